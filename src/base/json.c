/*
 * json.c - JSON out and in. Pure; any thread, one at a time for each writer and object.
 *
 * DESIGN: jansson decides what is valid and unescapes strings, but it turns numbers into doubles.
 * So the text, known to be valid by then, is walked once more, member by member beside jansson's
 * (which keeps the order), and what is not a string is copied from it. Names and strings point into
 * jansson's tree, the rest into one block beside it.
 * Nearly every order is plain, though: a few members, ASCII without escapes, nothing nested. Such a
 * text is read in one go, at a tenth of the cost; whatever is not as plain as that, or wrong in any
 * way, is jansson's to judge.
 */
#include "base/json.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/escape.h"

enum { DEPTH_MAX = 16, PLAIN_MEMBERS_MAX = 16 };

/* ── the writer ──────────────────────────────────────────────────────────────────────────────── */

void json_writer_init(struct json_writer *w, struct buf *out)
{
  *w = (struct json_writer){.out = out};
}

/* Nothing in it has to be escaped, as nearly always. */
static bool put_plain(struct buf *out, const char *text, size_t len)
{
  char *at;
  if (escape_plain(text, len) < len || !(at = buf_reserve(out, len + 2))) return false;
  at[0] = at[len + 1] = '"';
  if (len) memcpy(at + 1, text, len);
  buf_commit(out, len + 2);
  return true;
}

static void put_string(struct buf *out, const char *text, size_t len)
{
  if (put_plain(out, text, len)) return;
  buf_append_char(out, '"');
  for (;;) {
    size_t plain = escape_plain(text, len);
    buf_append(out, text, plain);
    if (plain == len) break;
    char escaped[ESCAPE_MAX];
    buf_append(out, escaped, escape_one(text + plain, escaped));
    text += plain + 1;
    len -= plain + 1;
  }
  buf_append_char(out, '"');
}

static void put_key(struct json_writer *w, const char *key)
{
  bool comma = w->comma;
  w->comma = true;
  size_t len = key ? strlen(key) : 0;
  char *at;
  if (key && escape_plain(key, len) == len && (at = buf_reserve(w->out, comma + len + 3))) {
    if (comma) *at++ = ',';
    *at++ = '"';
    memcpy(at, key, len);
    memcpy(at + len, "\":", 2);
    buf_commit(w->out, comma + len + 3);
    return;
  }
  if (comma) buf_append_char(w->out, ',');
  if (!key) return;
  put_string(w->out, key, len);
  buf_append_char(w->out, ':');
}

static void open_with(struct json_writer *w, const char *key, char bracket)
{
  put_key(w, key);
  buf_append_char(w->out, bracket);
  w->comma = false;
}

static void close_with(struct json_writer *w, char bracket)
{
  buf_append_char(w->out, bracket);
  w->comma = true;
}

void json_begin(struct json_writer *w, const char *key)
{
  open_with(w, key, '{');
}

void json_end(struct json_writer *w)
{
  close_with(w, '}');
}

void json_begin_array(struct json_writer *w, const char *key)
{
  open_with(w, key, '[');
}

void json_end_array(struct json_writer *w)
{
  close_with(w, ']');
}

void json_strn(struct json_writer *w, const char *key, const char *text, size_t len)
{
  put_key(w, key);
  put_string(w->out, text, len);
}

void json_str(struct json_writer *w, const char *key, const char *text)
{
  if (text)
    json_strn(w, key, text, strlen(text));
  else
    json_nil(w, key);
}

void json_int(struct json_writer *w, const char *key, int64_t value)
{
  put_key(w, key);
  buf_append_int(w->out, value);
}

void json_uint_str(struct json_writer *w, const char *key, uint64_t value)
{
  char text[24];
  int len = snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)value);
  json_raw(w, key, text, (size_t)len);
}

void json_fixed(struct json_writer *w, const char *key, double value)
{
  char text[32];
  int len = snprintf(text, sizeof text, "%.3f", value);
  json_raw(w, key, text, (size_t)len);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
  json_raw(w, key, value ? "true" : "false", value ? 4 : 5);
}

void json_nil(struct json_writer *w, const char *key)
{
  json_raw(w, key, "null", 4);
}

void json_time(struct json_writer *w, const char *key, int64_t unix_ms)
{
  if (unix_ms == 0) {
    json_nil(w, key);
    return;
  }
  char text[1 + CLOCK_RFC3339_LEN + 1];
  clock_rfc3339(unix_ms, text + 1);
  text[0] = text[1 + CLOCK_RFC3339_LEN] = '"';
  json_raw(w, key, text, sizeof text);
}

void json_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
  put_key(w, key);
  buf_append(w->out, json, len);
}

/* ── walking text that jansson found valid ───────────────────────────────────────────────────── */

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *p, const char *end)
{
  while (p < end && is_space(*p)) p++;
  return p;
}

/* p is at the opening quote; returns what follows the closing one, or end. */
static const char *skip_string(const char *p, const char *end)
{
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p < end ? p + 1 : end;
}

/* p is at an opening bracket; returns what follows the one that closes it. */
static const char *skip_nested(const char *p, const char *end)
{
  int depth = 0;
  while (p < end) {
    if (*p == '"') {
      p = skip_string(p, end);
      continue;
    }
    if (*p == '{' || *p == '[') depth++;
    if (*p == '}' || *p == ']') depth--;
    p++;
    if (depth == 0) break;
  }
  return p;
}

static const char *skip_value(const char *p, const char *end)
{
  if (*p == '"') return skip_string(p, end);
  if (*p == '{' || *p == '[') return skip_nested(p, end);
  while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p)) p++;
  return p;
}

bool json_raw_ends_itself(const char *text, size_t len)
{
  const char *end = text + len, *p = skip_space(text, end);
  return p < end && skip_space(skip_value(p, end), end) == end;
}

void json_members(struct json_writer *w, const char *object, size_t len)
{
  const char *p = skip_space(object, object + len), *end = object + len;
  while (end > p && is_space(end[-1])) end--;
  if (end - p < 2 || *p != '{' || end[-1] != '}') return;
  p = skip_space(p + 1, --end);
  while (end > p && is_space(end[-1])) end--;
  if (p < end) json_raw(w, NULL, p, (size_t)(end - p));
}

/* ── reading ─────────────────────────────────────────────────────────────────────────────────── */

struct tree {
  json_t *root; /* NULL: it was plain */
  char texts[]; /* of all values that are no strings, each with a NUL; of plain ones all, and names
                 */
};

/* jansson recurses as deep as the text goes, up to 2048: too deep is refused before it looks. */
static bool too_deep(const char *text, size_t len)
{
  const char *p = text, *end = text + len;
  int depth = 0;
  while (p < end) {
    if (*p == '"') {
      p = skip_string(p, end);
      continue;
    }
    if ((*p == '{' || *p == '[') && ++depth > DEPTH_MAX) return true;
    if (*p == '}' || *p == ']') depth--;
    p++;
  }
  return false;
}

/* Writes zeros over the digits of every exponent outside strings: still JSON, and never too large.
 */
static void zero_exponents(char *text, size_t len)
{
  char *p = text, *end = text + len;
  while (p < end) {
    if (*p == '"') {
      p = text + (skip_string(p, end) - text);
      continue;
    }
    bool exponent = (*p == 'e' || *p == 'E') && p > text && p[-1] >= '0' && p[-1] <= '9';
    p++;
    if (!exponent) continue;
    if (p < end && (*p == '+' || *p == '-')) p++;
    while (p < end && *p >= '0' && *p <= '9') *p++ = '0';
  }
}

/* jansson refuses a number beyond a double. We keep the text, and let its reader say it is too
 * large. */
static json_t *load(const char *text, size_t len, json_error_t *why)
{
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
  json_t *root = json_loadb(text, len, flags, why);
  if (root || json_error_code(why) != json_error_numeric_overflow) return root;
  char *copy = mem_strndup(text, len);
  zero_exponents(copy, len);
  root = json_loadb(copy, len, flags, why);
  free(copy);
  return root;
}

static json_t *load_object(const char *text, size_t len, char *error, size_t error_len)
{
  if (skip_space(text, text + len) == text + len) {
    snprintf(error, error_len, "there is nothing but a JSON object was expected");
    return NULL;
  }
  if (memchr(text, '\0', len)) { /* jansson drops one that follows a number */
    snprintf(error, error_len, "a NUL byte");
    return NULL;
  }
  if (too_deep(text, len)) {
    snprintf(error, error_len, "nested deeper than %d levels", DEPTH_MAX);
    return NULL;
  }
  json_error_t why;
  json_t *root = load(text, len, &why);
  if (!root) {
    snprintf(error, error_len, "%s (line %d, column %d)", why.text, why.line, why.column);
    return NULL;
  }
  if (!json_is_object(root)) {
    snprintf(error, error_len, "a JSON object was expected");
    json_decref(root);
    return NULL;
  }
  return root;
}

static enum ox_field_kind kind_of(const json_t *value)
{
  switch (json_typeof(value)) {
  case JSON_STRING:
    return OX_FIELD_STRING;
  case JSON_INTEGER:
  case JSON_REAL:
    return OX_FIELD_NUMBER;
  case JSON_TRUE:
  case JSON_FALSE:
    return OX_FIELD_BOOL;
  case JSON_NULL:
    return OX_FIELD_NULL;
  case JSON_OBJECT:
  case JSON_ARRAY:
    break;
  }
  return OX_FIELD_JSON;
}

/* Fills f from value and its text [p, end); returns the free place in texts. */
static char *set_field(struct ox_field *f, const json_t *value, const char *p, const char *end,
                       char *texts)
{
  f->kind = kind_of(value);
  if (f->kind == OX_FIELD_STRING) {
    f->text = json_string_value(value);
    f->len = json_string_length(value);
    return texts;
  }
  f->len = (size_t)(end - p);
  f->text = memcpy(texts, p, f->len);
  texts[f->len] = '\0';
  return texts + f->len + 1;
}

static void set_fields(struct json_object *o, json_t *root, const char *text, const char *end)
{
  struct tree *tree = o->tree;
  char *texts = tree->texts;
  const char *p = skip_space(text, end);
  for (void *it = json_object_iter(root); it; it = json_object_iter_next(root, it)) {
    p = skip_string(skip_space(p + 1, end), end); /* from the bracket or comma, over the name */
    p = skip_space(skip_space(p, end) + 1, end);  /* over the colon */
    const char *value = p;
    p = skip_value(p, end);
    struct ox_field *f = &o->fields[o->n_fields++];
    f->name = json_object_iter_key(it);
    texts = set_field(f, json_object_iter_value(it), value, p, texts);
    p = skip_space(p, end);
  }
  assert(p < end && (*p == '}' || o->n_fields == 0));
}

/* ── reading what is plain ───────────────────────────────────────────────────────────────────────
 * Each of these returns what follows what it read, or NULL: it is not plain. */

struct plain {
  const char *end;
  char *texts; /* the free place */
  struct ox_field fields[PLAIN_MEMBERS_MAX];
  size_t n;
};

static const char *plain_keep(struct plain *r, const char *from, const char *to, const char **text)
{
  size_t len = (size_t)(to - from);
  *text = memcpy(r->texts, from, len);
  r->texts[len] = '\0';
  r->texts += len + 1;
  return to;
}

static const char *plain_string(struct plain *r, const char *p, const char **text, size_t *len)
{
  if (p == r->end || *p++ != '"') return NULL;
  const char *from = p;
  while (p < r->end && *p >= ' ' && *p <= '~' && *p != '"' && *p != '\\') p++;
  if (p == r->end || *p != '"') return NULL;
  *len = (size_t)(p - from);
  return plain_keep(r, from, p, text) + 1;
}

static const char *digits(const char *p, const char *end)
{
  const char *from = p;
  while (p < end && *p >= '0' && *p <= '9') p++;
  return p > from ? p : NULL;
}

static const char *number(const char *p, const char *end)
{
  if (p < end && *p == '-') p++;
  if (end - p > 1 && *p == '0' && p[1] >= '0' && p[1] <= '9') return NULL;
  p = digits(p, end);
  if (p && p < end && *p == '.') p = digits(p + 1, end);
  if (!p || p == end || (*p != 'e' && *p != 'E')) return p;
  p++;
  if (p < end && (*p == '+' || *p == '-')) p++;
  return digits(p, end);
}

static const char *word(const char *p, const char *end, const char *is)
{
  size_t len = strlen(is);
  return (size_t)(end - p) >= len && memcmp(p, is, len) == 0 ? p + len : NULL;
}

static const char *plain_value(struct plain *r, const char *p, struct ox_field *f)
{
  const char *to;
  if (p == r->end) return NULL;
  if (*p == '"') {
    f->kind = OX_FIELD_STRING;
    return plain_string(r, p, &f->text, &f->len);
  }
  if ((to = number(p, r->end)) != NULL)
    f->kind = OX_FIELD_NUMBER;
  else if ((to = word(p, r->end, "true")) != NULL || (to = word(p, r->end, "false")) != NULL)
    f->kind = OX_FIELD_BOOL;
  else if ((to = word(p, r->end, "null")) != NULL)
    f->kind = OX_FIELD_NULL;
  else
    return NULL;
  f->len = (size_t)(to - p);
  return plain_keep(r, p, to, &f->text);
}

static bool is_double(const struct plain *r, const char *name)
{
  for (size_t i = 0; i < r->n; i++)
    if (strcmp(r->fields[i].name, name) == 0) return true;
  return false;
}

/* p is before a name; returns the comma or bracket behind its value. */
static const char *plain_member(struct plain *r, const char *p)
{
  size_t len;
  if (r->n == PLAIN_MEMBERS_MAX) return NULL;
  struct ox_field *f = &r->fields[r->n];
  p = plain_string(r, skip_space(p, r->end), &f->name, &len);
  if (!p || is_double(r, f->name)) return NULL;
  p = skip_space(p, r->end);
  if (p == r->end || *p != ':') return NULL;
  p = plain_value(r, skip_space(p + 1, r->end), f);
  if (!p) return NULL;
  r->n++;
  p = skip_space(p, r->end);
  return p < r->end && (*p == ',' || *p == '}') ? p : NULL;
}

static bool read_plain(struct plain *r, const char *text)
{
  const char *p = skip_space(text, r->end);
  if (p == r->end || *p != '{') return false;
  do p = plain_member(r, p + 1);
  while (p && *p == ',');
  return p && skip_space(p + 1, r->end) == r->end;
}

/* A text, or a name, takes no more room with its NUL than with what stands around it. */
static bool parse_plain(const char *text, size_t len, struct json_object *out)
{
  struct plain r;
  struct tree *tree = mem_alloc(sizeof *tree + len);
  r.end = text + len;
  r.texts = tree->texts;
  r.n = 0;
  if (!read_plain(&r, text)) {
    free(tree);
    return false;
  }
  *out = (struct json_object){mem_alloc(r.n * sizeof r.fields[0]), r.n, tree};
  memcpy(out->fields, r.fields, r.n * sizeof r.fields[0]);
  return true;
}

/* ── reading all the rest ────────────────────────────────────────────────────────────────────── */

enum status json_object_parse(const char *text, size_t len, struct json_object *out, char *error,
                              size_t error_len)
{
  if (parse_plain(text, len, out)) return ST_OK;
  json_t *root = load_object(text, len, error, error_len);
  if (!root) return ST_INVALID;
  /* A value is followed by a comma or bracket, whose byte its NUL takes: len is enough. */
  struct tree *tree = mem_alloc(sizeof *tree + len);
  tree->root = root;
  struct json_object o = {.tree = tree};
  o.fields = mem_alloc(json_object_size(root) * sizeof o.fields[0]);
  set_fields(&o, root, text, text + len);
  *out = o;
  return ST_OK;
}

void json_object_deinit(struct json_object *o)
{
  struct tree *tree = o->tree;
  if (tree) json_decref(tree->root);
  free(tree);
  free(o->fields);
  *o = (struct json_object){0};
}

void json_field_write(struct json_writer *w, const struct ox_field *field)
{
  if (field->kind == OX_FIELD_STRING)
    json_strn(w, field->name, field->text, field->len);
  else
    json_raw(w, field->name, field->text, field->len);
}

/* ── arrays ──────────────────────────────────────────────────────────────────────────────────── */

static const char *skip_element(const char *p, const char *end, struct json_items *out)
{
  const char *from = skip_space(p, end);
  p = from < end ? skip_value(from, end) : end;
  if (p == from) {
    out->error = "an element of the array is missing";
    return NULL;
  }
  out->items[out->n++] = (struct json_slice){from, (size_t)(p - from)};
  p = skip_space(p, end);
  if (p < end && (*p == ',' || *p == ']')) return p;
  out->error = "a comma or ] was expected behind an element of the array";
  return NULL;
}

static const char too_many[] = "there are too many elements in the array";

/* p is behind the opening bracket; returns what follows the closing one, too_many, or NULL. */
static const char *split(const char *p, const char *end, size_t max, struct json_items *out)
{
  p = skip_space(p, end);
  if (p < end && *p == ']') return p + 1;
  while (out->n < max) {
    p = skip_element(p, end, out);
    if (!p) return NULL;
    if (*p++ == ']') return p;
  }
  return too_many;
}

enum status json_items_split(const char *text, size_t len, size_t max, struct json_items *out)
{
  const char *end = text + len, *p = skip_space(text, end);
  *out = (struct json_items){0};
  if (p == end || *p != '[') {
    out->error = "a JSON array was expected";
    return ST_INVALID;
  }
  out->items = mem_alloc(max * sizeof *out->items);
  p = split(p + 1, end, max, out);
  if (p == too_many)
    out->error = too_many;
  else if (p && skip_space(p, end) != end)
    out->error = "something follows the array";
  if (!out->error) return ST_OK;
  free(out->items);
  out->items = NULL;
  out->n = 0;
  return p == too_many ? ST_FULL : ST_INVALID;
}

void json_items_deinit(struct json_items *items)
{
  free(items->items);
  *items = (struct json_items){0};
}
