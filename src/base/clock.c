/*
 * clock.c - the times of this machine. Any thread; the only state is the offset that tests of a
 * wrong clock set.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t unix_offset_ms;

static int64_t read_ns(clockid_t id)
{
  struct timespec now;
  clock_gettime(id, &now); /* cannot fail for the two clocks below */
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
  return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
  return clock_mono_ns() / 1000000;
}

int64_t clock_unix_ms(void)
{
  return read_ns(CLOCK_REALTIME) / 1000000 +
         atomic_load_explicit(&unix_offset_ms, memory_order_relaxed);
}

void clock_set_unix_offset(int64_t ms)
{
  atomic_store_explicit(&unix_offset_ms, ms, memory_order_relaxed);
}

static char *put_digits(char *out, int64_t value, int digits, char after)
{
  for (int i = digits - 1; i >= 0; i--, value /= 10) out[i] = (char)('0' + value % 10);
  out[digits] = after;
  return out + digits + 1;
}

/* The day count to a date in the Gregorian calendar, in cycles of 400 years that begin in March:
 * http://howardhinnant.github.io/date_algorithms.html#civil_from_days */
static void civil_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
  days += 719468; /* from 1970-01-01 to 0000-03-01 */
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2);
}

void clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_LEN + 1])
{
  const int64_t day_ms = 86400000, first = -62167219200000, last = 253402300799999;
  if (unix_ms < first) unix_ms = first;
  if (unix_ms > last) unix_ms = last;
  int64_t days = unix_ms / day_ms, rest = unix_ms % day_ms;
  if (rest < 0) {
    rest += day_ms;
    days--;
  }
  int64_t year, month, day;
  civil_from_days(days, &year, &month, &day);
  char *p = put_digits(out, year, 4, '-');
  p = put_digits(p, month, 2, '-');
  p = put_digits(p, day, 2, 'T');
  p = put_digits(p, rest / 3600000, 2, ':');
  p = put_digits(p, rest / 60000 % 60, 2, ':');
  p = put_digits(p, rest / 1000 % 60, 2, '.');
  p = put_digits(p, rest % 1000, 3, 'Z');
  *p = '\0';
}

/* ── and back ───────────────────────────────────────────────────────────────────────────────── */

/* Whether text begins as shape does, where 0 is any digit. */
static bool shaped(const char *text, const char *shape)
{
  for (; *shape; shape++, text++)
    if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape) return false;
  return true;
}

static int digits(const char *text, int n)
{
  int value = 0;
  while (n-- > 0) value = value * 10 + (*text++ - '0');
  return value;
}

/* The fraction of a second at *text, which is moved behind it. */
static bool read_fraction(const char **text, int64_t *ms)
{
  if (**text != '.') return true;
  if (!shaped(++*text, "0")) return false;
  for (int64_t worth = 100; shaped(*text, "0"); worth /= 10) *ms += worth * digits((*text)++, 1);
  return true;
}

static bool read_offset(const char *text, int64_t *ms)
{
  if (strcmp(text, "Z") == 0) return true;
  bool minus = *text == '-';
  if ((!minus && *text != '+') || !shaped(text + 1, "00:00") || text[6]) return false;
  int hour = digits(text + 1, 2), minute = digits(text + 4, 2);
  *ms -= (minus ? -1 : 1) * (hour * 60 + minute) * INT64_C(60000);
  return hour < 24 && minute < 60;
}

bool clock_rfc3339_parse(const char *text, int64_t *unix_ms)
{
  char again[CLOCK_RFC3339_LEN + 1];
  if (!shaped(text, "0000-00-00T00:00:00")) return false;
  struct tm tm = {.tm_year = digits(text, 4) - 1900,
                  .tm_mon = digits(text + 5, 2) - 1,
                  .tm_mday = digits(text + 8, 2),
                  .tm_hour = digits(text + 11, 2),
                  .tm_min = digits(text + 14, 2),
                  .tm_sec = digits(text + 17, 2)};
  int64_t ms = (int64_t)timegm(&tm) * 1000;
  clock_rfc3339(ms, again);
  if (strncmp(text, again, 19) != 0) return false; /* there is no such day */
  text += 19;
  if (!read_fraction(&text, &ms) || !read_offset(text, &ms) || ms < 0) return false;
  *unix_ms = ms;
  return true;
}
