/* The command line: what is read, what is refused and in which words. */
#include "ctl/option.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct option own[] = {
    {"limit", OPTION_INT, "1-200", "so many"},
    {"since", OPTION_INT, "N", "from there"},
    {"amount", OPTION_DECIMAL, "N", "how much"},
    {"phase", OPTION_WORD, "queued|active", "which"},
    {"wait", OPTION_DURATION, "TIME", "how long"},
    {"rate", OPTION_RATE, "RATE", "how often"},
    {0},
};
static const struct option common[] = {
    {"json", OPTION_SWITCH, NULL, "for programs"}, {"url", OPTION_TEXT, "URL", "where"}, {0}};

static enum status read_line(struct arguments *a, char error[200], const char *line)
{
  static char copy[200];
  char *argv[20];
  int argc = 0;
  *a = (struct arguments){.tables = {own, common}};
  snprintf(copy, sizeof copy, "%s", line);
  char *rest = copy;
  for (char *word; (word = strsep(&rest, " ")) != NULL;) argv[argc++] = word;
  return arguments_read(a, *line ? argc : 0, argv, error, 200);
}

Test(option, reads_every_form)
{
  struct arguments a;
  char error[200];
  cr_assert_eq(read_line(&a, error, "x --limit 200 --amount=0.5 --json --phase active - --wait 1m"),
               ST_OK);
  cr_assert_eq(arguments_int(&a, "limit", 7), 200);
  cr_assert_str_eq(arguments_text(&a, "amount"), "0.5");
  cr_assert(arguments_on(&a, "json"));
  cr_assert_eq(arguments_ms(&a, "wait", 7), 60000);
  cr_assert_null(arguments_text(&a, "url"));
  cr_assert_eq(arguments_int(&a, "since", 7), 7);
  cr_assert_eq(a.n_operands, 2);
  cr_assert_str_eq(a.operands[1], "-");
}

Test(option, what_follows_two_dashes_is_no_option)
{
  struct arguments a;
  char error[200];
  cr_assert_eq(read_line(&a, error, "-- --json"), ST_OK);
  cr_assert_not(arguments_on(&a, "json"));
  cr_assert_str_eq(a.operands[0], "--json");
}

Test(option, says_what_is_wrong)
{
  static const struct {
    const char *line, *error;
  } cases[] = {
      {"--limit 0", "--limit must be a whole number, 1-200"},
      {"--limit 201", "--limit must be a whole number, 1-200"},
      {"--limit -1", "--limit must be a whole number, 1-200"},
      {"--since 99999999999999999999", "--since must be a whole number, N"},
      {"--limit", "--limit: its value is missing"},
      {"--amount 1e5", "--amount must be a decimal number, as 0.01"},
      {"--amount 01", "--amount must be a decimal number, as 0.01"},
      {"--amount .5", "--amount must be a decimal number, as 0.01"},
      {"--phase act", "--phase must be one of queued|active"},
      {"--wait 5y", "--wait must be a time, as 500ms, 30s or 5m"},
      {"--rate 0/s", "--rate must be a rate, as 50/s or 100/min"},
      {"--json=yes", "--json takes no value"},
      {"--json --json", "--json is there twice"},
      {"--lim 5", "there is no option --lim"},
      {"-j", "there is no option -j"},
      {"a b c d e", "e: there are too many arguments"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arguments a;
    char error[200] = "";
    cr_assert_eq(read_line(&a, error, cases[i].line), ST_INVALID, "%s", cases[i].line);
    cr_assert_str_eq(error, cases[i].error);
  }
}

Test(option, durations)
{
  static const struct {
    const char *text;
    int64_t ms;
  } cases[] = {{"0", 0},    {"500ms", 500},  {"30s", 30000},       {"1.5s", 1500}, {"5m", 300000},
               {"2", 2000}, {"2h", 7200000}, {"720h", 2592000000}, {"721h", -1},   {"s", -1},
               {"", -1},    {"1 s", -1},     {"-1s", -1},          {"1e3s", -1},   {"nan", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t ms = -1;
    cr_assert_eq(option_duration(cases[i].text, &ms), cases[i].ms >= 0, "%s", cases[i].text);
    cr_assert_eq(ms, cases[i].ms, "%s", cases[i].text);
  }
}

Test(option, rates)
{
  double rate = 0;
  cr_assert(option_rate("120/min", &rate));
  cr_assert_float_eq(rate, 2, 1e-9);
  cr_assert(option_rate("0.5", &rate));
  cr_assert_float_eq(rate, 0.5, 1e-9);
  cr_assert(option_rate("3600/h", &rate));
  cr_assert_float_eq(rate, 1, 1e-9);
  cr_assert_not(option_rate("5/day", &rate));
  cr_assert_not(option_rate("2000000/s", &rate));
}
