/* Times, against the C library's calendar for every day of four centuries and the edges of it. */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *text_of(int64_t ms)
{
  static char text[CLOCK_RFC3339_LEN + 1];
  memset(text, 'x', sizeof text);
  clock_rfc3339(ms, text);
  cr_assert_eq(strlen(text), CLOCK_RFC3339_LEN);
  return text;
}

Test(clock, known_times)
{
  cr_assert_str_eq(text_of(0), "1970-01-01T00:00:00.000Z");
  cr_assert_str_eq(text_of(1), "1970-01-01T00:00:00.001Z");
  cr_assert_str_eq(text_of(-1), "1969-12-31T23:59:59.999Z");
  cr_assert_str_eq(text_of(1769855400123), "2026-01-31T10:30:00.123Z");
  cr_assert_str_eq(text_of(951782400000), "2000-02-29T00:00:00.000Z");
  cr_assert_str_eq(text_of(4107542399999), "2100-02-28T23:59:59.999Z");
  cr_assert_str_eq(text_of(4107542400000), "2100-03-01T00:00:00.000Z");
}

Test(clock, the_first_and_last_year_and_what_is_beyond)
{
  cr_assert_str_eq(text_of(-62167219200000), "0000-01-01T00:00:00.000Z");
  cr_assert_str_eq(text_of(-62167219200001), "0000-01-01T00:00:00.000Z");
  cr_assert_str_eq(text_of(INT64_MIN), "0000-01-01T00:00:00.000Z");
  cr_assert_str_eq(text_of(253402300799999), "9999-12-31T23:59:59.999Z");
  cr_assert_str_eq(text_of(253402300800000), "9999-12-31T23:59:59.999Z");
  cr_assert_str_eq(text_of(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

Test(clock, every_day_of_four_centuries)
{
  const int64_t day = 86400, first = -84 * 366 * day, last = first + 146098 * day;
  for (int64_t s = first; s <= last; s += day - 1) {
    struct tm tm;
    time_t t = (time_t)s;
    gmtime_r(&t, &tm);
    char want[64];
    snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    cr_assert_str_eq(text_of(s * 1000 + 7), want);
  }
}

Test(clock, the_monotonic_clock_never_goes_back)
{
  int64_t before = clock_mono_ns();
  for (int i = 0; i < 10000; i++) {
    int64_t now = clock_mono_ns();
    cr_assert_geq(now, before);
    before = now;
  }
  cr_assert_leq(clock_mono_ms() - before / 1000000, 60000);
}

Test(clock, the_offset_moves_unix_time_alone)
{
  int64_t mono = clock_mono_ms(), unix_ms = clock_unix_ms();
  cr_assert_lt(llabs(unix_ms - (int64_t)time(NULL) * 1000), 60000);
  clock_set_unix_offset(-3600000);
  cr_assert_lt(llabs(unix_ms - 3600000 - clock_unix_ms()), 60000);
  cr_assert_lt(clock_mono_ms() - mono, 60000);
  clock_set_unix_offset(0);
  cr_assert_lt(llabs(unix_ms - clock_unix_ms()), 60000);
}

Test(clock, rfc3339_is_read_as_it_is_written)
{
  static const struct {
    const char *text;
    int64_t ms;
  } cases[] = {{"1970-01-01T00:00:00Z", 0},
               {"2026-01-31T10:30:00.123Z", 1769855400123},
               {"2026-01-31T10:30:00.1239999Z", 1769855400123},
               {"2026-01-31T10:30:00.1Z", 1769855400100},
               {"2026-01-31T11:30:00+01:00", 1769855400000},
               {"2026-01-31T00:00:00-10:30", 1769855400000},
               {"2024-02-29T00:00:00Z", 1709164800000},
               {"9999-12-31T23:59:59.999Z", 253402300799999}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t ms = -1;
    cr_assert(clock_rfc3339_parse(cases[i].text, &ms), "%s", cases[i].text);
    cr_assert_eq(ms, cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
  }
}

Test(clock, what_is_no_rfc3339)
{
  static const char *const texts[] = {"",
                                      "2026-01-31",
                                      "2026-01-31T10:30:00",
                                      "2026-01-31 10:30:00Z",
                                      "2026-01-31T10:30:00z",
                                      "2026-02-30T10:30:00Z",
                                      "2025-02-29T10:30:00Z",
                                      "2026-13-01T10:30:00Z",
                                      "2026-00-01T10:30:00Z",
                                      "2026-01-31T24:00:00Z",
                                      "2026-01-31T10:60:00Z",
                                      "2026-01-31T10:30:60Z",
                                      "2026-01-31T10:30:00.Z",
                                      "2026-01-31T10:30:00+1:00",
                                      "2026-01-31T10:30:00+24:00",
                                      "2026-01-31T10:30:00+01:60",
                                      "2026-01-31T10:30:00Z ",
                                      "1969-12-31T23:59:59Z",
                                      "+026-01-31T10:30:00Z"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int64_t ms = 7;
    cr_assert_not(clock_rfc3339_parse(texts[i], &ms), "%s", texts[i]);
    cr_assert_eq(ms, 7);
  }
}
