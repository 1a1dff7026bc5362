/*
 * http_fuzz.c - a libFuzzer target for the HTTP parser: no input may break it, and the pieces in
 * which it comes must not change what is understood.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "net/http_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1000, OUTCOME_MAX = 64 * 1024 * 1024 };

/* How the input is cut up. */
struct cutter {
  uint32_t state; /* 0: not at all */
};

static size_t next_piece(struct cutter *c, size_t left)
{
  if (c->state == 0) return left;
  c->state = c->state * 1664525u + 1013904223u;
  uint32_t most = c->state >> 16 & 1 ? 4 : 500;
  size_t n = 1 + (c->state >> 18) % most;
  return n < left ? n : left;
}

/* Everything a handler would see of the message. */
static void describe(const struct http_message *m, const char *base, struct buf *out)
{
  static struct http_view view;
  http_message_view(m, base, "", &view);
  const struct http_request *r = &view.request;
  buf_appendf(out, "%s|%s|%s|%s|%d%d|", r->method, r->target, r->path, r->query ? r->query : "-",
              r->upgrade, m->keep_alive);
  for (size_t i = 0; i < r->n_headers; i++)
    buf_appendf(out, "%s:%s|", r->headers[i].name, r->headers[i].value);
  buf_append(out, r->body, r->body_len);
}

static enum http_parsed parse(struct http_message *m, char *at, size_t *len, struct buf *out)
{
  enum http_parsed parsed = http_message_parse(m, at, len);
  if (parsed != PARSED_HEAD) return parsed;
  describe(m, at, out);
  m->body_max = BODY_MAX;
  return http_message_parse(m, at, len);
}

/* Parses request after request out of data and writes down the outcome. The memory fits exactly,
 * and moves for every piece, so that the sanitizer sees each byte too far. */
static void run(const uint8_t *data, size_t size, struct cutter cutter, struct buf *out)
{
  struct http_message m;
  http_message_init(&m);
  enum http_parsed parsed = PARSED_MORE;
  char *memory = NULL;
  size_t have = 0;
  for (size_t fed = 0, n; fed < size && parsed != PARSED_REFUSED; fed += n) {
    n = next_piece(&cutter, size - fed);
    char *moved = mem_alloc(have + n);
    if (have) memcpy(moved, memory, have);
    memcpy(moved + have, data + fed, n);
    free(memory);
    memory = moved;
    have += n;
    while (have > 0 && (parsed = parse(&m, memory, &have, out)) == PARSED_DONE) {
      describe(&m, memory, out);
      memmove(memory, memory + m.taken, have - m.taken);
      have -= m.taken;
      http_message_init(&m);
    }
  }
  if (parsed == PARSED_REFUSED) buf_appendf(out, "refused %d %s", m.status, m.detail);
  free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct buf whole, cut;
  buf_init(&whole, OUTCOME_MAX);
  buf_init(&cut, OUTCOME_MAX);
  run(data, size, (struct cutter){0}, &whole);
  uint32_t seed = 1 + (uint32_t)size;
  for (size_t i = 0; i < size && i < 64; i++) seed = seed * 31 + data[i];
  run(data, size, (struct cutter){seed | 1}, &cut);
  if (whole.len != cut.len || (whole.len && memcmp(whole.data, cut.data, whole.len) != 0)) {
    fprintf(stderr, "whole: %s\ncut:   %s\n", whole.data, cut.data);
    abort();
  }
  buf_deinit(&whole);
  buf_deinit(&cut);
  return 0;
}
