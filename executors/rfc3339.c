/* rfc3339.c - times as text; see rfc3339.h. Pure; any thread. */
#include "rfc3339.h"

struct cursor {
  const char *at, *end;
  bool wrong;
};

static bool skip(struct cursor *c, char a, char b)
{
  if (c->at == c->end || (*c->at != a && *c->at != b)) return false;
  c->at++;
  return true;
}

static void need(struct cursor *c, char a, char b)
{
  c->wrong |= !skip(c, a, b);
}

/* So many digits, which have to come to min to max. */
static int64_t number(struct cursor *c, int digits, int64_t min, int64_t max)
{
  int64_t value = 0;
  for (; digits > 0 && c->at < c->end && *c->at >= '0' && *c->at <= '9'; digits--)
    value = value * 10 + (*c->at++ - '0');
  c->wrong |= digits > 0 || value < min || value > max;
  return value;
}

static int64_t fraction_ms(struct cursor *c)
{
  int64_t ms = 0, worth = 100;
  const char *start = c->at;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, worth /= 10)
    ms += (*c->at - '0') * worth;
  c->wrong |= c->at == start;
  return ms;
}

static bool is_leap(int64_t year)
{
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in(int64_t year, int64_t month)
{
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t read_day(struct cursor *c)
{
  int64_t year = number(c, 4, 1970, 9999), days = 0;
  need(c, '-', '-');
  int64_t month = number(c, 2, 1, 12);
  need(c, '-', '-');
  if (c->wrong) return 0;
  int64_t day = number(c, 2, 1, days_in(year, month));
  for (int64_t y = 1970; y < year; y++) days += 365 + is_leap(y);
  for (int64_t m = 1; m < month; m++) days += days_in(year, m);
  return days + day - 1;
}

static int64_t read_time_ms(struct cursor *c)
{
  int64_t hour = number(c, 2, 0, 23);
  need(c, ':', ':');
  int64_t minute = number(c, 2, 0, 59);
  need(c, ':', ':');
  int64_t second = number(c, 2, 0, 59);
  int64_t ms = skip(c, '.', '.') ? fraction_ms(c) : 0;
  return ((hour * 60 + minute) * 60 + second) * 1000 + ms;
}

static int64_t read_offset_ms(struct cursor *c)
{
  if (skip(c, 'Z', 'z')) return 0;
  int sign = skip(c, '-', '-') ? -1 : 1;
  if (sign > 0) need(c, '+', '+');
  int64_t hour = number(c, 2, 0, 23);
  need(c, ':', ':');
  return sign * (hour * 60 + number(c, 2, 0, 59)) * 60000;
}

bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms)
{
  struct cursor c = {text, text + len, false};
  int64_t ms = read_day(&c) * 86400000;
  need(&c, 'T', 't');
  ms += read_time_ms(&c);
  ms -= read_offset_ms(&c);
  if (c.wrong || c.at != c.end || ms < 0) return false;
  *unix_ms = ms;
  return true;
}
