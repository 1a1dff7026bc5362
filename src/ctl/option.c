/* option.c - see option.h. */
#include "ctl/option.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ── values ─────────────────────────────────────────────────────────────────────────────────── */

bool option_int(const char *text, int64_t *out)
{
  enum { DIGITS_MAX = 18 };
  size_t len = strlen(text);
  if (len == 0 || len > DIGITS_MAX || strspn(text, "0123456789") != len) return false;
  *out = strtoll(text, NULL, 10);
  return true;
}

/* The length of a decimal number at the start of text, as JSON has it; 0: there is none. */
static size_t decimal_len(const char *text)
{
  size_t whole = strspn(text, "0123456789");
  if (whole == 0 || (whole > 1 && text[0] == '0')) return 0;
  if (text[whole] != '.') return whole;
  size_t part = strspn(text + whole + 1, "0123456789");
  return part ? whole + 1 + part : 0;
}

bool option_decimal(const char *text)
{
  size_t len = decimal_len(text);
  return len > 0 && text[len] == '\0';
}

struct unit {
  const char *name;
  double is;
};

static bool read_unit(const char *text, const struct unit *units, size_t n, double *is)
{
  for (size_t i = 0; i < n; i++) {
    if (strcmp(text, units[i].name) != 0) continue;
    *is = units[i].is;
    return true;
  }
  return false;
}

bool option_duration(const char *text, int64_t *ms)
{
  static const struct unit units[] = {{"ms", 1},   {"s", 1e3},    {"", 1e3},
                                      {"m", 60e3}, {"min", 60e3}, {"h", 3600e3}};
  static const double most = 30 * 24 * 3600e3;
  double unit;
  size_t len = decimal_len(text);
  if (len == 0 || !read_unit(text + len, units, sizeof units / sizeof *units, &unit)) return false;
  double value = strtod(text, NULL) * unit;
  if (value > most) return false;
  *ms = (int64_t)(value + 0.5);
  return true;
}

bool option_rate(const char *text, double *per_s)
{
  static const struct unit units[] = {{"/s", 1}, {"", 1}, {"/min", 60}, {"/m", 60}, {"/h", 3600}};
  static const double most = 1e6;
  double unit;
  size_t len = decimal_len(text);
  if (len == 0 || !read_unit(text + len, units, sizeof units / sizeof *units, &unit)) return false;
  *per_s = strtod(text, NULL) / unit;
  return *per_s > 0 && *per_s <= most;
}

static bool is_word(const char *words, const char *text)
{
  size_t len = strlen(text);
  for (const char *w = words; *w; w += strspn(w, "|")) {
    size_t n = strcspn(w, "|");
    if (n == len && strncmp(w, text, n) == 0) return true;
    w += n;
  }
  return false;
}

static bool in_range(const char *range, int64_t number)
{
  long long least, most;
  return sscanf(range, "%lld-%lld", &least, &most) != 2 || (number >= least && number <= most);
}

/* What is wrong with text as a value of o; false: nothing. */
static bool is_wrong(const struct option *o, const char *text, char *error, size_t error_len)
{
  int64_t number = 0;
  double rate;
  bool right = true;
  const char *wanted = "";
  switch (o->kind) {
  case OPTION_INT:
    right = option_int(text, &number) && in_range(o->value, number);
    wanted = "a whole number, ";
    break;
  case OPTION_WORD:
    right = is_word(o->value, text);
    wanted = "one of ";
    break;
  case OPTION_DECIMAL:
    right = option_decimal(text);
    wanted = "a decimal number, as 0.01";
    break;
  case OPTION_DURATION:
    right = option_duration(text, &number);
    wanted = "a time, as 500ms, 30s or 5m";
    break;
  case OPTION_RATE:
    right = option_rate(text, &rate);
    wanted = "a rate, as 50/s or 100/min";
    break;
  case OPTION_SWITCH:
  case OPTION_TEXT:
  case OPTION_FILE:
    break;
  }
  if (right) return false;
  bool shows = o->kind == OPTION_INT || o->kind == OPTION_WORD;
  snprintf(error, error_len, "--%s must be %s%s", o->name, wanted, shows ? o->value : "");
  return true;
}

/* ── the tables ─────────────────────────────────────────────────────────────────────────────── */

/* find() gives the option and its place among the values. */
static const struct option *find(const struct arguments *a, const char *name, size_t len,
                                 size_t *at)
{
  *at = 0;
  for (size_t t = 0; t < 2; t++) {
    for (const struct option *o = a->tables[t]; o && o->name; o++, ++*at) {
      assert(*at < OPTIONS_MAX);
      if (strlen(o->name) == len && strncmp(o->name, name, len) == 0) return o;
    }
  }
  return NULL;
}

/* Returns how many arguments it took; 0: error says what is wrong. */
static int read_option(struct arguments *a, int argc, char *const *argv, char *error,
                       size_t error_len)
{
  const char *name = argv[0] + 2;
  size_t at, len = strcspn(name, "=");
  const struct option *o = find(a, name, len, &at);
  const char *value = name[len] ? name + len + 1 : NULL;
  int taken = 1;
  if (!o) {
    snprintf(error, error_len, "there is no option --%.*s", (int)len, name);
    return 0;
  }
  if (o->kind == OPTION_SWITCH && value) {
    snprintf(error, error_len, "--%s takes no value", o->name);
    return 0;
  }
  if (o->kind != OPTION_SWITCH && !value) {
    if (argc < 2) {
      snprintf(error, error_len, "--%s: its value is missing", o->name);
      return 0;
    }
    value = argv[1];
    taken = 2;
  }
  if (a->values[at]) {
    snprintf(error, error_len, "--%s is there twice", o->name);
    return 0;
  }
  if (value && is_wrong(o, value, error, error_len)) return 0;
  a->values[at] = value ? value : "";
  return taken;
}

enum status arguments_read(struct arguments *a, int argc, char *const *argv, char *error,
                           size_t error_len)
{
  bool options = true;
  for (int i = 0; i < argc;) {
    if (options && strcmp(argv[i], "--") == 0) {
      options = false;
      i++;
    } else if (options && argv[i][0] == '-' && argv[i][1] == '-') {
      int taken = read_option(a, argc - i, argv + i, error, error_len);
      if (taken == 0) return ST_INVALID;
      i += taken;
    } else if (options && argv[i][0] == '-' && argv[i][1]) {
      snprintf(error, error_len, "there is no option %s", argv[i]);
      return ST_INVALID;
    } else if (a->n_operands == OPERANDS_MAX) {
      snprintf(error, error_len, "%s: there are too many arguments", argv[i]);
      return ST_INVALID;
    } else {
      a->operands[a->n_operands++] = argv[i++];
    }
  }
  return ST_OK;
}

const char *arguments_text(const struct arguments *a, const char *name)
{
  size_t at;
  const struct option *o = find(a, name, strlen(name), &at);
  assert(o);
  return o ? a->values[at] : NULL;
}

bool arguments_on(const struct arguments *a, const char *name)
{
  return arguments_text(a, name) != NULL;
}

int64_t arguments_int(const struct arguments *a, const char *name, int64_t otherwise)
{
  const char *text = arguments_text(a, name);
  int64_t value;
  return text && option_int(text, &value) ? value : otherwise;
}

int64_t arguments_ms(const struct arguments *a, const char *name, int64_t otherwise)
{
  const char *text = arguments_text(a, name);
  int64_t ms;
  return text && option_duration(text, &ms) ? ms : otherwise;
}

/* ── help ───────────────────────────────────────────────────────────────────────────────────── */

enum { HELP_COLUMN = 25, HELP_WIDTH = 88 };

/* Writes text from HELP_COLUMN on, with its lines broken between words. */
static void put_wrapped(const char *text, FILE *out)
{
  int column = HELP_COLUMN;
  while (*text) {
    int len = (int)strcspn(text, " ");
    if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
      fprintf(out, "\n%*s", HELP_COLUMN, "");
      column = HELP_COLUMN;
    }
    if (column > HELP_COLUMN) fputc(' ', out);
    fprintf(out, "%.*s", len, text);
    column += len + 1;
    text += len;
    text += strspn(text, " ");
  }
  fputc('\n', out);
}

void option_help(const struct option *table, FILE *out)
{
  for (const struct option *o = table; o && o->name; o++) {
    int len = fprintf(out, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    if (len + 2 > HELP_COLUMN)
      fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
      fprintf(out, "%*s", HELP_COLUMN - len, "");
    put_wrapped(o->help, out);
  }
}
