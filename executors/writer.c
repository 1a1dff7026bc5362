/*
 * writer.c - JSON into a buffer of fixed size. Pure; no allocation, no locale, no printf: it is run
 * for every event of every order.
 */
#include "writer.h"

#include <assert.h>
#include <string.h>

enum { DIGITS_MAX = 20, MS_PER_DAY = 86400000 };

void writer_init(struct writer *w, char *data, size_t cap)
{
  assert(cap > 0);
  *w = (struct writer){.data = data, .cap = cap};
}

/* One byte always stays free for the NUL. */
static void put(struct writer *w, const char *text, size_t len)
{
  if (w->overflow || len >= w->cap - w->len) {
    w->overflow = true;
    return;
  }
  memcpy(w->data + w->len, text, len);
  w->len += len;
}

static void put_digits(struct writer *w, uint64_t value, size_t width)
{
  char digits[DIGITS_MAX];
  size_t n = 0;
  do digits[DIGITS_MAX - ++n] = (char)('0' + value % 10);
  while ((value /= 10) > 0 || n < width);
  put(w, digits + DIGITS_MAX - n, n);
}

static void put_escaped(struct writer *w, const char *text)
{
  static const char hex[] = "0123456789abcdef";
  put(w, "\"", 1);
  for (const char *run = text;; text++) {
    unsigned char c = (unsigned char)*text;
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    put(w, run, (size_t)(text - run));
    run = text + 1;
    if (c == '\0') break;
    if (c < 0x20)
      put(w, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    else
      put(w, (const char[]){'\\', *text}, 2);
  }
  put(w, "\"", 1);
}

static void put_key(struct writer *w, const char *key)
{
  if (w->comma) put(w, ",", 1);
  w->comma = true;
  if (!key) return;
  put_escaped(w, key);
  put(w, ":", 1);
}

static void put_open(struct writer *w, const char *key, const char *bracket)
{
  put_key(w, key);
  put(w, bracket, 1);
  w->comma = false;
}

static void put_close(struct writer *w, const char *bracket)
{
  put(w, bracket, 1);
  w->comma = true;
}

void writer_begin(struct writer *w, const char *key)
{
  put_open(w, key, "{");
}

void writer_end(struct writer *w)
{
  put_close(w, "}");
}

void writer_begin_array(struct writer *w, const char *key)
{
  put_open(w, key, "[");
}

void writer_end_array(struct writer *w)
{
  put_close(w, "]");
}

void writer_str(struct writer *w, const char *key, const char *text)
{
  put_key(w, key);
  if (text)
    put_escaped(w, text);
  else
    put(w, "null", 4);
}

void writer_int(struct writer *w, const char *key, int64_t value)
{
  put_key(w, key);
  if (value < 0) put(w, "-", 1);
  put_digits(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
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
  put_key(w, key);
  put(w, "\"", 1);
  put_digits(w, units, 1);
  put(w, "\"", 1);
}

/* The civil date of a day, counted from 1970-01-01, in the proleptic Gregorian calendar: years are
 * taken from March on, so that the leap day comes last, in cycles of 400 years. */
static void put_date(struct writer *w, int64_t day)
{
  uint64_t since = (uint64_t)(day + 719468); /* from 0000-03-01 */
  uint64_t cycle = since / 146097, in_cycle = since % 146097;
  uint64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  uint64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
  uint64_t month = (5 * in_year + 2) / 153;
  put_digits(w, 400 * cycle + year + (month >= 10), 4);
  put(w, "-", 1);
  put_digits(w, month < 10 ? month + 3 : month - 9, 2);
  put(w, "-", 1);
  put_digits(w, in_year - (153 * month + 2) / 5 + 1, 2);
}

void writer_time(struct writer *w, const char *key, int64_t unix_ms)
{
  int64_t day = unix_ms / MS_PER_DAY - (unix_ms % MS_PER_DAY < 0);
  uint64_t ms = (uint64_t)(unix_ms - day * MS_PER_DAY);
  put_key(w, key);
  put(w, "\"", 1);
  put_date(w, day);
  put(w, "T", 1);
  put_digits(w, ms / 3600000, 2);
  put(w, ":", 1);
  put_digits(w, ms / 60000 % 60, 2);
  put(w, ":", 1);
  put_digits(w, ms / 1000 % 60, 2);
  put(w, ".", 1);
  put_digits(w, ms % 1000, 3);
  put(w, "Z\"", 2);
}

const char *writer_text(struct writer *w)
{
  if (w->overflow) return NULL;
  w->data[w->len] = '\0';
  return w->data;
}
