/*
 * log.c - lines of JSON on a file descriptor. Any thread; level and descriptor are atomics. A line
 * is built on the stack, so logging works when memory is out, and 4 KiB is what Linux writes to a
 * pipe in one piece. What the descriptor does not take (a full pipe) is lost: the daemon does not
 * wait for its log.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"

enum { LINE_MAX_BYTES = 4096 };

static const char line_end[] = "}\n";
static const char line_end_cut[] = ",\"cut\":true}\n";

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static _Atomic int min_level = LOG_LEVEL_INFO;
static _Atomic int log_fd = STDERR_FILENO;

struct line {
  char data[LINE_MAX_BYTES];
  size_t len;
  bool cut;
};

void log_set_level(enum log_level level)
{
  atomic_store_explicit(&min_level, (int)level, memory_order_relaxed);
}

void log_set_fd(int fd)
{
  atomic_store_explicit(&log_fd, fd, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
  return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

enum log_level log_level_of(const char *word)
{
  for (int level = 0; level <= LOG_LEVEL_ERROR; level++)
    if (strcmp(level_names[level], word) == 0) return (enum log_level)level;
  return LOG_LEVEL_INFO;
}

/* What fits beside the longest end of a line and the quote that closes a string. */
static size_t room(const struct line *l)
{
  size_t used = l->len + strlen("\"") + strlen(line_end_cut);
  return used < sizeof l->data ? sizeof l->data - used : 0;
}

static bool put(struct line *l, const char *text, size_t len)
{
  if (len > room(l)) {
    l->cut = true;
    return false;
  }
  memcpy(l->data + l->len, text, len);
  l->len += len;
  return true;
}

/* The longest start of a run that fits, ending between characters. */
static size_t fitting(const struct line *l, const char *text, size_t len)
{
  size_t n = room(l);
  if (len <= n) return len;
  while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
  return n;
}

static void put_escaped(struct line *l, const char *text)
{
  size_t len = strlen(text);
  while (len > 0) {
    size_t plain = escape_plain(text, len);
    size_t n = fitting(l, text, plain);
    put(l, text, n);
    if (n < plain) l->cut = true;
    text += plain;
    len -= plain;
    if (l->cut || len == 0) return;

    char escaped[ESCAPE_MAX];
    if (!put(l, escaped, escape_one(text, escaped))) return;
    text++;
    len--;
  }
}

/* The closing quote has its place kept: it is put even when the text was cut. */
static void put_string(struct line *l, const char *text)
{
  if (!text) {
    put(l, "null", 4);
  } else if (put(l, "\"", 1)) {
    put_escaped(l, text);
    l->data[l->len++] = '"';
  }
}

static bool put_name(struct line *l, const char *name)
{
  return put(l, ",", 1) && put(l, "\"", 1) && put(l, name, strlen(name)) && put(l, "\":", 2);
}

static void put_value(struct line *l, const struct log_field *f)
{
  char text[ULID_ORDER_LEN + 3];
  int len = 0;
  switch (f->kind) {
  case LOG_KIND_STR:
    put_string(l, f->text);
    return;
  case LOG_KIND_INT:
    len = snprintf(text, sizeof text, "%lld", (long long)f->number);
    break;
  case LOG_KIND_ORDER:
    text[0] = '"';
    ulid_format_order(f->id, text + 1);
    text[ULID_ORDER_LEN + 1] = '"';
    len = ULID_ORDER_LEN + 2;
    break;
  case LOG_KIND_END:
    assert(0 && "the end has no value");
  }
  put(l, text, (size_t)len);
}

/* A field whose name or number does not fit is left out whole; a string loses its end. */
static void put_field(struct line *l, const struct log_field *f)
{
  size_t start = l->len;
  bool named = put_name(l, f->name);
  size_t value = l->len;
  if (named) put_value(l, f);
  if (!named || l->len == value) l->len = start;
}

static void write_line(const struct line *l)
{
  int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
  int saved = errno;
  while (write(fd, l->data, l->len) < 0 && errno == EINTR) continue;
  errno = saved;
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
  struct line l;
  l.len = 0;
  l.cut = false;

  char time[CLOCK_RFC3339_LEN + 1];
  clock_rfc3339(clock_unix_ms(), time);
  put(&l, "{\"time\":", 8);
  put_string(&l, time);
  put_name(&l, "level");
  put_string(&l, level_names[level]);
  put_name(&l, "msg");
  put_string(&l, msg);
  for (const struct log_field *f = fields; !l.cut && f->kind != LOG_KIND_END; f++) put_field(&l, f);

  const char *end = l.cut ? line_end_cut : line_end;
  memcpy(l.data + l.len, end, strlen(end));
  l.len += strlen(end);
  write_line(&l);
}
