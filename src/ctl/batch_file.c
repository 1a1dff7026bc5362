/* batch_file.c - see batch_file.h. */
#include "ctl/batch_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ctl/csv.h"
#include "ctl/member.h"
#include "ctl/option.h"

enum {
  FILE_MAX = 256 << 20,
  CHUNK_BYTES_MAX = 1000 << 10, /* the server takes 1 MiB */
  ORDER_BYTES_MAX = 64 << 10,
};

static void add(struct batch_file *f, int64_t line, char *json, const char *error)
{
  if ((f->n & (f->n - 1)) == 0) /* a power of two: it is full */
    f->orders = mem_resize(f->orders, (f->n ? 2 * f->n : 1) * sizeof *f->orders);
  f->orders[f->n++] = (struct batch_order){line, json, error, -1};
}

void batch_file_deinit(struct batch_file *f)
{
  for (size_t i = 0; i < f->n; i++) free(f->orders[i].json);
  free(f->orders);
}

/* ── NDJSON ─────────────────────────────────────────────────────────────────────────────────── */

static void read_ndjson(struct batch_file *f, const char *text, size_t len)
{
  const char *end = text + len;
  for (int64_t line = 1; text < end; line++) {
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);
    struct json_object o;
    if (n > ORDER_BYTES_MAX) {
      add(f, line, NULL, "longer than 64 KiB");
    } else if (strspn(text, " \t\r") < n) { /* else it is empty; the text ends in a NUL */
      bool good = member_parse(text, n, &o);
      if (good) json_object_deinit(&o);
      add(f, line, good ? mem_strndup(text, n) : NULL, good ? NULL : "not a JSON object");
    }
    text += n + 1;
  }
}

/* ── CSV ────────────────────────────────────────────────────────────────────────────────────── */

/* The members that are numbers in JSON; every amount may be text, and goes exactly as it is. */
static bool is_number(const char *name, const char *text)
{
  bool wanted = strcmp(name, "slippage") == 0 || strcmp(name, "slippageBps") == 0;
  return wanted && option_decimal(text);
}

/* "a;b" */
static void write_list(struct json_writer *w, const char *name, const char *text)
{
  json_begin_array(w, name);
  while (*text) {
    size_t len = strcspn(text, ";");
    json_strn(w, NULL, text, len);
    text += len + (text[len] == ';');
  }
  json_end_array(w);
}

/* An empty field is none. */
static char *write_record(const struct csv *header, const struct csv *c)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, ORDER_BYTES_MAX);
  json_writer_init(&w, &out);
  json_begin(&w, NULL);
  for (size_t i = 0; i < c->n_fields; i++) {
    const char *name = header->fields[i], *text = c->fields[i];
    if (!*text) continue;
    if (strcmp(name, "item_ids") == 0)
      write_list(&w, name, text);
    else if (is_number(name, text))
      json_raw(&w, name, text, strlen(text));
    else
      json_str(&w, name, text);
  }
  json_end(&w);
  bool fits = !out.overflow;
  if (fits) return buf_take(&out, NULL);
  buf_deinit(&out);
  return NULL;
}

static enum status read_csv(struct batch_file *f, const char *text, size_t len, char *error,
                            size_t error_len)
{
  struct csv header, c;
  enum status status;
  csv_init(&header, text, len);
  if (csv_next(&header) != ST_OK) {
    snprintf(error, error_len, "%s%s", header.error ? "the header: " : "",
             header.error ? header.error : "there are no orders in it");
    csv_deinit(&header);
    return ST_INVALID;
  }
  csv_init(&c, header.at, (size_t)(header.end - header.at));
  c.next_line = header.next_line;
  while ((status = csv_next(&c)) != ST_NOT_FOUND) {
    char *json = NULL;
    const char *why = c.error;
    if (status == ST_OK && c.n_fields != header.n_fields)
      why = "not as many fields as the header has";
    else if (status == ST_OK && !(json = write_record(&header, &c)))
      why = "longer than 64 KiB";
    add(f, c.line, json, why);
  }
  csv_deinit(&c);
  csv_deinit(&header);
  return ST_OK;
}

/* ── the file ───────────────────────────────────────────────────────────────────────────────── */

/* FNV-1a: it tells an edited file, not a forged one. */
static uint64_t hash_of(const char *text, size_t len)
{
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
  return hash;
}

enum status batch_file_parse(struct batch_file *out, const char *text, size_t len,
                             enum batch_format format, char *error, size_t error_len)
{
  struct batch_file f = {.hash = hash_of(text, len)};
  enum status status = ST_OK;
  if (memchr(text, '\0', len)) {
    snprintf(error, error_len, "it is not text");
    return ST_INVALID;
  }
  if (format == BATCH_GUESS)
    format = text[strspn(text, " \t\r\n")] == '{' ? BATCH_NDJSON : BATCH_CSV;
  if (format == BATCH_NDJSON)
    read_ndjson(&f, text, len);
  else
    status = read_csv(&f, text, len, error, error_len);
  if (status == ST_OK && f.n == 0) {
    snprintf(error, error_len, "there are no orders in it");
    status = ST_INVALID;
  }
  if (status == ST_OK)
    *out = f;
  else
    batch_file_deinit(&f);
  return status;
}

enum status batch_file_read(struct batch_file *out, const char *path, enum batch_format format,
                            char *error, size_t error_len)
{
  char chunk[1 << 16];
  struct buf text;
  enum status status = ST_INVALID;
  bool from_stdin = strcmp(path, "-") == 0;
  FILE *file = from_stdin ? stdin : fopen(path, "re");
  buf_init(&text, FILE_MAX);
  if (file)
    for (size_t n; !text.overflow && (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
      buf_append(&text, chunk, n);
  if (!file || ferror(file))
    snprintf(error, error_len, "%s", strerror(errno));
  else if (text.overflow)
    snprintf(error, error_len, "it is over 256 MiB");
  else
    status = batch_file_parse(out, text.data ? text.data : "", text.len, format, error, error_len);
  if (file && !from_stdin) fclose(file);
  buf_deinit(&text);
  return status;
}

void batch_file_chunk(struct batch_file *f, size_t size)
{
  size_t n = 0, bytes = 0;
  f->chunks = 0;
  for (size_t i = 0; i < f->n; i++) {
    struct batch_order *o = &f->orders[i];
    if (!o->json) continue;
    size_t len = strlen(o->json) + 1;
    if (f->chunks == 0 || n == size || bytes + len > CHUNK_BYTES_MAX) {
      f->chunks++;
      n = bytes = 0;
    }
    n++;
    bytes += len;
    o->chunk = f->chunks - 1;
  }
}
