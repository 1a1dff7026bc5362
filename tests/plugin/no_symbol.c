/* no_symbol.c - a shared object, but no plugin. */
__attribute__((visibility("default"))) int ox_plugins(void);

int ox_plugins(void)
{
  return 0;
}
