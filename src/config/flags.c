/*
 * flags.c - the command line. A flag that is none is an error that names the nearest one.
 */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "config/key.h"
#include "config/pairs.h"

static size_t least(size_t a, size_t b, size_t c)
{
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

/* Levenshtein's distance; both are shorter than KEY_FLAG_MAX. */
static size_t distance(const char *a, const char *b)
{
  size_t row[KEY_FLAG_MAX];
  size_t len = strlen(b);
  for (size_t j = 0; j <= len; j++) row[j] = j;
  for (size_t i = 1; *a; i++, a++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= len; j++) {
      size_t next = least(row[j] + 1, row[j - 1] + 1, diagonal + (*a != b[j - 1]));
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[len];
}

static void unknown(const char *flag, struct buf *errors)
{
  char nearest[KEY_FLAG_MAX] = "";
  size_t best = KEY_FLAG_MAX;
  for (size_t i = 0; i < key_count && strlen(flag) < KEY_FLAG_MAX; i++) {
    char candidate[KEY_FLAG_MAX];
    key_flag(&key_table[i], candidate);
    size_t d = distance(flag, candidate);
    if (d >= best) continue;
    best = d;
    memcpy(nearest, candidate, sizeof nearest);
  }
  buf_appendf(errors, "%.100s: there is no such flag", flag);
  if (*nearest) buf_appendf(errors, "; did you mean %s?", nearest);
  buf_append_char(errors, '\n');
}

/* --some-key to SOME_KEY; only the one spelling is taken. */
static char *name_of(const char *flag, size_t len)
{
  char *name = mem_strndup(flag + 2, len - 2);
  for (char *p = name; *p; p++) {
    if (*p == '_' || isupper((unsigned char)*p)) *p = '?';
    *p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
  }
  return name;
}

/* Reads the flag at argv[0]; returns how many arguments it took, 0 when it is wrong. */
static int read_flag(int argc, char **argv, struct pairs *out, struct buf *errors)
{
  const char *flag = argv[0];
  if (strncmp(flag, "--", 2) != 0) {
    buf_appendf(errors, "%.100s: only flags are expected here\n", flag);
    return 0;
  }
  size_t len = strcspn(flag, "=");
  char *text = mem_strndup(flag, len);
  char *name = name_of(flag, len);
  const struct key *k = key_find(name);
  const char *value = flag[len] ? flag + len + 1 : NULL;
  int taken = 1;
  if (!k) {
    unknown(text, errors);
    taken = 0;
  } else if (!value && key_is_switch(k)) {
    value = "true";
  } else if (!value && argc > 1 && strncmp(argv[1], "--", 2) != 0) {
    value = argv[1];
    taken = 2;
  } else if (!value) {
    buf_appendf(errors, "%s: its value is missing\n", text);
    taken = 0;
  }
  free(text);
  if (taken)
    pairs_add(out, name, mem_strdup(value));
  else
    free(name);
  return taken;
}

enum status flags_read(int argc, char **argv, struct pairs *out, struct buf *errors)
{
  enum status status = ST_OK;
  for (int i = 0; i < argc;) {
    int taken = read_flag(argc - i, argv + i, out, errors);
    if (taken == 0) status = ST_INVALID;
    i += taken ? taken : 1;
  }
  return status;
}
