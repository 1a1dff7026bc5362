/*
 * config.c - where values come from and which one counts. Runs once, before threads start; the
 * result is const. Every text is owned by config.texts, in the table's order, and the char *
 * members point into it.
 */
#include "config/config.h"

#include <assert.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/check.h"
#include "config/file.h"
#include "config/key.h"
#include "config/pairs.h"

enum { NAME_MAX_BYTES = 80, SHOWN_MAX = 128 * 1024 };

/* ── one value from its sources ──────────────────────────────────────────────────────────────── */

enum source { FROM_FLAGS, FROM_ENVIRONMENT, FROM_DOTENV, N_SOURCES };

static const char *const source_names[] = {"the command line", "the environment", ".env"};

struct load {
  struct config *config;
  struct pairs flags;
  struct pairs dotenv;
  struct buf *errors;
  enum status status;
};

static void wrong_line(struct load *l)
{
  buf_append_char(l->errors, '\n');
  l->status = ST_INVALID;
}

/* An empty value counts as none: that is how compose files pass on what is not set. */
static const char *look_up(const struct load *l, enum source source, const char *name)
{
  const char *value = NULL;
  if (source == FROM_FLAGS) value = pairs_get(&l->flags, name);
  if (source == FROM_ENVIRONMENT) value = getenv(name);
  if (source == FROM_DOTENV) value = pairs_get(&l->dotenv, name);
  return value && *value ? value : NULL;
}

/* The content of the file named by NAME_FILE without the line's end. NULL: it could not be read. */
static char *from_file(struct load *l, const struct key *k, const char *path)
{
  const char *wrong;
  char *text = file_read(path, &wrong);
  if (!text) {
    buf_appendf(l->errors, "%s_FILE: cannot read '%.200s': %s", k->name, path, wrong);
    wrong_line(l);
    return NULL;
  }
  size_t len = strlen(text);
  while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) text[--len] = '\0';
  return text;
}

/* What source says of k; NULL: nothing, or it is wrong. */
static char *from_source(struct load *l, const struct key *k, enum source source)
{
  char name[NAME_MAX_BYTES];
  snprintf(name, sizeof name, "%s_FILE", k->name);
  const char *value = look_up(l, source, k->name);
  const char *path = k->secrecy == KEY_OPEN ? NULL : look_up(l, source, name);
  if (value && path) {
    buf_appendf(l->errors, "%s and %s are both set in %s: only one can count", k->name, name,
                source_names[source]);
    wrong_line(l);
    return NULL;
  }
  if (value) return mem_strdup(value);
  return path ? from_file(l, k, path) : NULL;
}

static void wrong_value(struct load *l, const struct key *k, const char *text, enum source source)
{
  buf_appendf(l->errors, "%s: ", k->name);
  if (k->secrecy == KEY_OPEN) buf_appendf(l->errors, "'%.100s' ", text);
  buf_appendf(l->errors, "(from %s) is wrong, expected ", source_names[source]);
  key_expected(k, l->errors);
  wrong_line(l);
}

static char *set_default(struct load *l, const struct key *k)
{
  char *text = mem_strdup(k->initial);
  bool sound = key_parse(k, text, l->config);
  assert(sound);
  return text;
}

static char *set_value(struct load *l, const struct key *k)
{
  int n_sources = k->flag_only ? FROM_FLAGS + 1 : N_SOURCES;
  for (int source = 0; source < n_sources; source++) {
    char *text = from_source(l, k, (enum source)source);
    if (!text) continue;
    if (!key_parse(k, text, l->config)) wrong_value(l, k, text, (enum source)source);
    return text;
  }
  return set_default(l, k);
}

/* ── values that follow from others ──────────────────────────────────────────────────────────── */

static char **text_of(const struct config *c, const char *name)
{
  const struct key *k = key_find(name);
  return &c->texts[k - key_table];
}

static void replace_text(struct config *c, const char *name, char *text)
{
  char **place = text_of(c, name);
  free(*place);
  *place = text;
  bool sound = key_parse(key_find(name), text, c);
  assert(sound);
}

static void draw_seed(struct config *c)
{
  uint64_t seed = 0;
  while (seed == 0) {
    ssize_t got = getrandom(&seed, sizeof seed, 0);
    assert(got == sizeof seed); /* so few bytes are never cut short */
  }
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
  replace_text(c, "SIM_SEED", mem_strdup(text));
}

static void find_plugins(struct config *c)
{
  static const char plugins[] = "plugins";
  char path[PATH_MAX + sizeof plugins];
  ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
  path[len > 0 ? len : 0] = '\0';
  char *slash = strrchr(path, '/');
  memcpy(slash ? slash + 1 : path, plugins, sizeof plugins);
  replace_text(c, "EXECUTOR_DIR", mem_strdup(path));
}

static void check_together(struct load *l)
{
  const struct config *c = l->config;
  if (c->auth_required && !*c->jwt_secret) {
    buf_append_str(l->errors, "JWT_SECRET: AUTH=required needs one of at least 32 bytes");
    wrong_line(l);
  }
  if (!c->auth_required && !c->insecure && check_host(c->host) && !check_loopback(c->host)) {
    buf_appendf(l->errors,
                "HOST: %s can be reached from other machines; set AUTH=required, or say --insecure",
                c->host);
    wrong_line(l);
  }
}

enum status config_load(struct config *c, int argc, char **argv, struct buf *errors)
{
  *c = (struct config){0};
  c->texts = mem_alloc(key_count * sizeof c->texts[0]);
  struct load l = {.config = c, .errors = errors};
  if (flags_read(argc, argv, &l.flags, errors)) l.status = ST_INVALID;
  if (dotenv_read(".env", &l.dotenv, errors)) l.status = ST_INVALID;
  for (size_t i = 0; i < key_count; i++) c->texts[i] = set_value(&l, &key_table[i]);
  if (c->sim_seed == 0) draw_seed(c);
  if (!*c->executor_dir) find_plugins(c);
  check_together(&l);
  pairs_deinit(&l.flags);
  pairs_deinit(&l.dotenv);
  return l.status;
}

void config_deinit(struct config *c)
{
  for (size_t i = 0; c->texts && i < key_count; i++) free(c->texts[i]);
  free(c->texts);
  *c = (struct config){0};
}

/* ── what is in force ────────────────────────────────────────────────────────────────────────── */

const char *config_value(const struct config *c, const char *name)
{
  const struct key *k = key_find(name);
  if (!k || strcmp(k->name, name) != 0 || !c->texts) return NULL;
  bool given = k->secrecy == KEY_OPEN || strcmp(name, "DATABASE_URL") == 0;
  return given ? c->texts[k - key_table] : NULL;
}

void config_print(const struct config *c, FILE *out)
{
  for (size_t i = 0; i < key_count; i++) {
    struct buf shown;
    buf_init(&shown, SHOWN_MAX);
    key_show(&key_table[i], c->texts[i], &shown);
    fprintf(out, "%s=%s\n", key_table[i].name, shown.data ? shown.data : "");
    buf_deinit(&shown);
  }
}

static void print_key(const struct key *k, FILE *out)
{
  char flag[KEY_FLAG_MAX];
  struct buf expected;
  key_flag(k, flag);
  buf_init(&expected, 1024);
  key_expected(k, &expected);
  if (key_is_switch(k))
    fprintf(out, "  %s\n      %s\n", flag, k->help);
  else if (k->flag_only)
    fprintf(out, "  %s=%s\n      %s (%s)\n", flag, k->initial, k->help, expected.data);
  else
    fprintf(out, "  %s  %s=%s\n      %s (%s)\n", flag, k->name, k->initial, k->help, expected.data);
  buf_deinit(&expected);
}

void config_help(FILE *out)
{
  fputs("A flag counts before the environment, that before .env, that before the default shown.\n"
        "An empty value counts as not set. JWT_SECRET, DATABASE_URL and REDIS_URL may also come\n"
        "from a file: NAME_FILE=path. Flags are written --key VALUE or --key=VALUE.\n\n",
        out);
  for (size_t i = 0; i < key_count; i++) print_key(&key_table[i], out);
}
