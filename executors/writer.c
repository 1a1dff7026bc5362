/*
 * writer.c - JSON into a buffer of fixed size. Pure; no allocation, no locale, no printf: it is run
 * for every event of every order.
 */
#include "writer.h"

#include <assert.h>
#include <string.h>

enum { DIGITS_MAX = 20, MS_PER_DAY = 86400000 };

static const int64_t first_ms = -62162035200000, last_ms = 253402300799999;

void writer_init(struct writer *w, char *data, size_t cap)
{
  assert(cap > 0);
  *w = (struct writer){.data = data, .cap = cap};
}

/* Where the next len bytes go; NULL: there is no room. One byte always stays free for the NUL. */
static char *room(struct writer *w, size_t len)
{
  if (w->overflow || len >= w->cap - w->len) {
    w->overflow = true;
    return NULL;
  }
  char *at = w->data + w->len;
  w->len += len;
  return at;
}

static void put(struct writer *w, const char *text, size_t len)
{
  char *at = room(w, len);
  if (at) memcpy(at, text, len);
}

static void put_char(struct writer *w, char c)
{
  char *at = room(w, 1);
  if (at) *at = c;
}

/* The digits end at end; gives where they begin. */
static char *digits_before(char *end, uint64_t value)
{
  do *--end = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  return end;
}

static void put_digits(struct writer *w, uint64_t value)
{
  char digits[DIGITS_MAX], *end = digits + DIGITS_MAX, *first = digits_before(end, value);
  put(w, first, (size_t)(end - first));
}

static size_t plain(const char *text)
{
  size_t n = 0;
  while ((unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\') n++;
  return n;
}

static void put_escape(struct writer *w, char c)
{
  static const char hex[] = "0123456789abcdef";
  if ((unsigned char)c < 0x20)
    put(w, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
  else
    put(w, (const char[]){'\\', c}, 2);
}

/* Most text has nothing to escape: it goes in one piece. */
static void put_string(struct writer *w, const char *text)
{
  size_t n = plain(text);
  if (text[n] == '\0') {
    char *at = room(w, n + 2);
    if (!at) return;
    at[0] = at[n + 1] = '"';
    memcpy(at + 1, text, n);
    return;
  }
  put_char(w, '"');
  for (; n = plain(text), put(w, text, n), text[n]; text += n + 1) put_escape(w, text[n]);
  put_char(w, '"');
}

static void put_key(struct writer *w, const char *key)
{
  if (w->comma) put_char(w, ',');
  w->comma = true;
  if (!key) return;
  put_string(w, key);
  put_char(w, ':');
}

static void put_open(struct writer *w, const char *key, char bracket)
{
  put_key(w, key);
  put_char(w, bracket);
  w->comma = false;
}

static void put_close(struct writer *w, char bracket)
{
  put_char(w, bracket);
  w->comma = true;
}

void writer_begin(struct writer *w, const char *key)
{
  put_open(w, key, '{');
}

void writer_end(struct writer *w)
{
  put_close(w, '}');
}

void writer_begin_array(struct writer *w, const char *key)
{
  put_open(w, key, '[');
}

void writer_end_array(struct writer *w)
{
  put_close(w, ']');
}

void writer_str(struct writer *w, const char *key, const char *text)
{
  put_key(w, key);
  if (text)
    put_string(w, text);
  else
    put(w, "null", 4);
}

void writer_int(struct writer *w, const char *key, int64_t value)
{
  put_key(w, key);
  if (value < 0) put_char(w, '-');
  put_digits(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void writer_bool(struct writer *w, const char *key, bool value)
{
  writer_number(w, key, value ? "true" : "false");
}

void writer_number(struct writer *w, const char *key, const char *text)
{
  put_key(w, key);
  put(w, text, strlen(text));
}

void writer_units(struct writer *w, const char *key, uint64_t units)
{
  char text[1 + DIGITS_MAX + 1], *end = text + sizeof text - 1, *first = digits_before(end, units);
  *--first = *end = '"';
  put_key(w, key);
  put(w, first, (size_t)(end + 1 - first));
}

static char *fixed(char *at, uint64_t value, size_t width)
{
  for (size_t i = width; i > 0; value /= 10) at[--i] = (char)('0' + value % 10);
  return at + width;
}

/* The civil date of a day, counted from 1970-01-01, in the proleptic Gregorian calendar: years are
 * taken from March on, so that the leap day comes last, in cycles of 400 years. */
static char *date(char *at, int64_t day)
{
  uint64_t since = (uint64_t)(day + 719468); /* from 0000-03-01 */
  uint64_t cycle = since / 146097, in_cycle = since % 146097;
  uint64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  uint64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
  uint64_t month = (5 * in_year + 2) / 153;
  at = fixed(at, 400 * cycle + year + (month >= 10), 4);
  *at++ = '-';
  at = fixed(at, month < 10 ? month + 3 : month - 9, 2);
  *at++ = '-';
  return fixed(at, in_year - (153 * month + 2) / 5 + 1, 2);
}

void writer_time(struct writer *w, const char *key, int64_t unix_ms)
{
  if (unix_ms < first_ms) unix_ms = first_ms;
  if (unix_ms > last_ms) unix_ms = last_ms;
  int64_t day = unix_ms / MS_PER_DAY - (unix_ms % MS_PER_DAY < 0);
  uint64_t ms = (uint64_t)(unix_ms - day * MS_PER_DAY);
  char text[] = "\"0000-00-00T00:00:00.000Z\"", *at = date(text + 1, day) + 1;
  at = fixed(at, ms / 3600000, 2) + 1;
  at = fixed(at, ms / 60000 % 60, 2) + 1;
  at = fixed(at, ms / 1000 % 60, 2) + 1;
  fixed(at, ms % 1000, 3);
  put_key(w, key);
  put(w, text, sizeof text - 1);
}

const char *writer_text(struct writer *w)
{
  if (w->overflow) return NULL;
  w->data[w->len] = '\0';
  return w->data;
}
