/* The log: every line is one JSON object, whatever the text and however long. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_LIMIT = 4096 };

static int fds[2];
static char line[2 * LINE_LIMIT];
static json_t *parsed;

static void start(void)
{
  cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
  log_set_fd(fds[1]);
}

static void end(void)
{
  json_decref(parsed);
  log_set_fd(2);
  close(fds[0]);
  close(fds[1]);
}

TestSuite(log, .init = start, .fini = end);

/* Reads what was logged: one line, valid JSON. */
static const char *logged(void)
{
  ssize_t len = read(fds[0], line, sizeof line - 1);
  cr_assert_gt(len, 0);
  line[len] = '\0';
  cr_assert_leq(len, LINE_LIMIT);
  cr_assert_eq(strchr(line, '\n'), line + len - 1, "one line");
  json_decref(parsed);
  parsed = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(parsed, "%s", line);
  return line;
}

static const char *member(const char *name)
{
  return json_string_value(json_object_get(parsed, name));
}

static void expect_silence(void)
{
  cr_assert_eq(read(fds[0], line, sizeof line), -1);
  cr_assert_eq(errno, EAGAIN);
}

Test(log, a_line)
{
  struct ulid id;
  cr_assert(ulid_parse("01ARYZ6S41TSV4RRFFQ69G5FAV", 26, &id));
  LOG_INFO("order claimed", LOG_ORDER(&id), LOG_INT("attempt", -2), LOG_STR("type", "market"),
           LOG_STR("none", NULL));
  const char *text = logged();
  cr_assert_eq(strncmp(text, "{\"time\":\"", 9), 0);
  cr_assert_eq(strlen(member("time")), CLOCK_RFC3339_LEN);
  cr_assert_str_eq(strstr(text, ",\"level\""),
                   ",\"level\":\"info\",\"msg\":\"order claimed\","
                   "\"orderId\":\"ord_01ARYZ6S41TSV4RRFFQ69G5FAV\",\"attempt\":-2,"
                   "\"type\":\"market\",\"none\":null}\n");
}

Test(log, without_fields)
{
  LOG_ERROR("bad");
  logged();
  cr_assert_str_eq(member("level"), "error");
  cr_assert_str_eq(member("msg"), "bad");
}

Test(log, levels)
{
  LOG_DEBUG("not by default");
  expect_silence();
  log_set_level(LOG_LEVEL_WARN);
  LOG_INFO("no");
  expect_silence();
  LOG_WARN("yes");
  logged();
  cr_assert_str_eq(member("level"), "warn");
  log_set_level(LOG_LEVEL_DEBUG);
  LOG_DEBUG("yes");
  logged();
  cr_assert_str_eq(member("level"), "debug");
  cr_assert(log_enabled(LOG_LEVEL_ERROR));
}

static int evaluated(int *count)
{
  return ++*count;
}

Test(log, what_is_not_logged_is_not_evaluated)
{
  int count = 0;
  LOG_DEBUG("no", LOG_INT("n", evaluated(&count)));
  cr_assert_eq(count, 0);
  LOG_INFO("yes", LOG_INT("n", evaluated(&count)));
  cr_assert_eq(count, 1);
  logged();
}

Test(log, text_of_users_is_escaped)
{
  LOG_INFO("a\"b\n{", LOG_STR("s", "\",\"level\":\"x\"}\n{\x01\xff\xc3\xa9"));
  logged();
  cr_assert_str_eq(member("msg"), "a\"b\n{");
  cr_assert_str_eq(member("s"), "\",\"level\":\"x\"}\n{\x01\xef\xbf\xbd\xc3\xa9");
}

Test(log, numbers_at_their_ends)
{
  LOG_INFO("n", LOG_INT("min", INT64_MIN), LOG_INT("max", INT64_MAX));
  cr_assert_not_null(strstr(logged(), "\"min\":-9223372036854775808,\"max\":9223372036854775807}"));
}

static void expect_cut(const char *field, const char *text, size_t len)
{
  logged();
  size_t got = strlen(member(field));
  cr_assert(json_is_true(json_object_get(parsed, "cut")));
  cr_assert_lt(got, len);
  cr_assert_gt(got, LINE_LIMIT / 8, "most of it is there");
  cr_assert_eq(strncmp(member(field), text, got), 0, "its start");
}

Test(log, a_long_text_is_cut_and_the_line_still_valid)
{
  static const char *const units[] = {"x",  "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                      "\"", "\x01"};
  static char text[3 * LINE_LIMIT];
  for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
    for (size_t shift = 0; shift < 8; shift++) {
      size_t len = 0, unit = strlen(units[u]);
      for (; len < shift; len++) text[len] = 'a';
      for (; len + unit < LINE_LIMIT + 8; len += unit) memcpy(text + len, units[u], unit);
      text[len] = '\0';
      LOG_INFO("long", LOG_STR("s", text), LOG_INT("after", 1));
      expect_cut("s", text, len);
      cr_assert_null(json_object_get(parsed, "after"));
      LOG_INFO(text);
      expect_cut("msg", text, len);
    }
  }
}

/* Every length around the limit, for the last text, the one before it, and a number at the end. */
Test(log, every_length_around_the_limit)
{
  static char text[LINE_LIMIT + 64];
  for (size_t len = LINE_LIMIT - 200; len < LINE_LIMIT + 10; len++) {
    memset(text, 'x', len);
    text[len] = '\0';
    LOG_INFO("m", LOG_STR("s", text));
    logged();
    LOG_INFO("m", LOG_STR("s", text), LOG_INT("number", 1234567));
    logged();
    json_t *number = json_object_get(parsed, "number");
    cr_assert(!number || json_integer_value(number) == 1234567, "whole or not at all");
    cr_assert(number || json_is_true(json_object_get(parsed, "cut")));
    LOG_INFO("m", LOG_STR("s", text), LOG_STR("a", ""), LOG_STR("b", "xy"), LOG_STR("c", NULL));
    logged();
    LOG_INFO(text, LOG_STR("a", ""));
    logged();
  }
}

Test(log, many_fields)
{
  struct log_field fields[1001];
  for (int i = 0; i < 1000; i++) fields[i] = LOG_STR("s", "x");
  fields[1000] = (struct log_field){0};
  log_write(LOG_LEVEL_INFO, "m", fields);
  ssize_t len = read(fds[0], line, sizeof line);
  cr_assert_gt(len, LINE_LIMIT - 64);
  cr_assert_leq(len, LINE_LIMIT);
  cr_assert_eq(memcmp(line + len - 13, ",\"cut\":true}\n", 13), 0);
}

Test(log, a_full_or_closed_pipe_does_not_stop_the_daemon)
{
  for (int i = 0; i < 2000; i++) LOG_INFO("filling the pipe with a line that is some bytes long");
  log_set_fd(-1);
  errno = 5;
  LOG_INFO("nowhere");
  cr_assert_eq(errno, 5, "errno is the caller's");
}

Test(log, levels_have_words)
{
  cr_assert_eq(log_level_of("debug"), LOG_LEVEL_DEBUG);
  cr_assert_eq(log_level_of("info"), LOG_LEVEL_INFO);
  cr_assert_eq(log_level_of("warn"), LOG_LEVEL_WARN);
  cr_assert_eq(log_level_of("error"), LOG_LEVEL_ERROR);
  cr_assert_eq(log_level_of("shout"), LOG_LEVEL_INFO);
}
