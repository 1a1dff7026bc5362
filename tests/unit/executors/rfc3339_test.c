/* rfc3339_test.c - times as text. */
#include "executors/rfc3339.h"

#include <criterion/criterion.h>
#include <string.h>

static int64_t read_time(const char *text)
{
  int64_t ms = -1;
  return rfc3339_parse(text, strlen(text), &ms) ? ms : -1;
}

Test(rfc3339, reads_times)
{
  static const struct {
    const char *text;
    int64_t ms;
  } good[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-01-31T10:30:00.123Z", 1769855400123},
      {"2026-01-31T10:30:00.1Z", 1769855400100},
      {"2026-01-31T10:30:00.123999999Z", 1769855400123},
      {"2026-01-31t10:30:00z", 1769855400000},
      {"2026-01-31T10:30:00+01:30", 1769850000000},
      {"2026-01-31T10:30:00-01:30", 1769860800000},
      {"2024-02-29T23:59:59.999Z", 1709251199999},
      {"2000-02-29T00:00:00Z", 951782400000},
      {"9999-12-31T23:59:59Z", 253402300799000},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    cr_assert(read_time(good[i].text) == good[i].ms, "%s: %lld", good[i].text,
              (long long)read_time(good[i].text));
}

Test(rfc3339, refuses_what_is_none)
{
  static const char *const bad[] = {"",
                                    "2026",
                                    "2026-01-31",
                                    "2026-01-31 10:30:00Z",
                                    "2026-01-31T10:30:00",
                                    "2026-01-31T10:30Z",
                                    "2026-01-31T10:30:00.Z",
                                    "2026-01-31T10:30:00Z ",
                                    " 2026-01-31T10:30:00Z",
                                    "2026-1-31T10:30:00Z",
                                    "2026-13-01T10:30:00Z",
                                    "2026-00-01T10:30:00Z",
                                    "2026-02-29T10:30:00Z",
                                    "2100-02-29T10:30:00Z",
                                    "2026-04-31T10:30:00Z",
                                    "2026-01-00T10:30:00Z",
                                    "2026-01-31T24:00:00Z",
                                    "2026-01-31T10:60:00Z",
                                    "2026-01-31T10:30:60Z",
                                    "2026-01-31T10:30:00+0100",
                                    "2026-01-31T10:30:00+24:00",
                                    "2026-01-31T10:30:00*01:00",
                                    "1969-12-31T23:59:59Z",
                                    "1970-01-01T00:00:00+00:01",
                                    "-026-01-31T10:30:00Z",
                                    "2026-01-31T10:30:0\xc3\xa4Z"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert(read_time(bad[i]) == -1, "%s: %lld", bad[i], (long long)read_time(bad[i]));
  int64_t ms;
  cr_assert(!rfc3339_parse("2026-01-31T10:30:00Z", 19, &ms), "it ends where it ends");
}
