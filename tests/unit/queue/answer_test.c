/*
 * answer_test.c - what the scripts answer, and what something else might.
 */
#include "queue/answer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replies by hand: the test's, not hiredis', to be freed. */
static redisReply integer(long long value)
{
  return (redisReply){.type = REDIS_REPLY_INTEGER, .integer = value};
}

static redisReply text(const char *s)
{
  static char room[8][64];
  static int at;
  char *copy = room[at++ % 8];
  snprintf(copy, sizeof room[0], "%s", s);
  return (redisReply){.type = REDIS_REPLY_STRING, .str = copy, .len = strlen(copy)};
}

static redisReply array(redisReply **elements, size_t n)
{
  return (redisReply){.type = REDIS_REPLY_ARRAY, .element = elements, .elements = n};
}

static const char id_a[] = "01J00000000000000000000000", id_b[] = "01J00000000000000000000001";

Test(answer, ids_are_appended)
{
  redisReply a = text(id_a), b = text(id_b), *both[] = {&a, &b}, reply = array(both, 2),
             none = array(NULL, 0);
  struct ulid *ids = NULL;
  size_t n = 0;
  cr_assert_eq(answer_ids(&none, &ids, &n), ST_OK);
  cr_assert(n == 0);
  cr_assert_eq(answer_ids(&reply, &ids, &n), ST_OK);
  cr_assert_eq(answer_ids(&reply, &ids, &n), ST_OK);
  cr_assert_eq(n, 4);
  char back[ULID_LEN + 1];
  ulid_format(&ids[3], back);
  cr_assert_str_eq(back, id_b);
  free(ids);
}

Test(answer, ids_that_are_none)
{
  redisReply a = text(id_a), seven = integer(7), word = text("no ULID"), *odd[] = {&a, &seven},
             *bad[] = {&a, &word};
  redisReply number = integer(3), odd_reply = array(odd, 2), bad_reply = array(bad, 2);
  struct ulid *ids = NULL;
  size_t n = 0;
  cr_assert_eq(answer_ids(&number, &ids, &n), ST_BROKEN);
  cr_assert_eq(answer_ids(&odd_reply, &ids, &n), ST_BROKEN);
  cr_assert_eq(answer_ids(&bad_reply, &ids, &n), ST_BROKEN);
  cr_assert_eq(n, 0, "nothing half read");
  free(ids);
}

Test(answer, claimed_has_tokens_in_a_row)
{
  redisReply gate = integer(QUEUE_LIMITED), wait = integer(42), now = integer(1234567890123),
             a = text(id_a), b = text(id_b), *all[] = {&gate, &wait, &now, &a, &b},
             reply = array(all, 5);
  struct queue_claimed c;
  cr_assert_eq(answer_claimed(&reply, "me", 99, 2, &c), ST_OK);
  cr_assert(c.n == 2 && c.gate == QUEUE_LIMITED && c.wait_ms == 42);
  cr_assert(c.now_ms == 1234567890123);
  cr_assert_str_eq(c.items[0].token, "me:99");
  cr_assert_str_eq(c.items[1].token, "me:100");
  cr_assert_lt(ulid_compare(&c.items[0].id, &c.items[1].id), 0);
  free((void *)c.items);
}

Test(answer, claimed_nothing)
{
  redisReply gate = integer(QUEUE_CLOSED), wait = integer(-1), now = integer(7),
             *all[] = {&gate, &wait, &now}, reply = array(all, 3);
  struct queue_claimed c;
  cr_assert_eq(answer_claimed(&reply, "me", 0, 0, &c), ST_OK);
  cr_assert(c.n == 0 && c.gate == QUEUE_CLOSED && c.wait_ms == -1);
  free((void *)c.items);
}

Test(answer, claimed_that_is_none)
{
  redisReply gate = integer(0), odd_gate = integer(4), low_gate = integer(-1), wait = integer(1),
             now = integer(7), word = text("x"), id = text(id_a);
  redisReply *cases[][4] = {{&odd_gate, &wait, &now, &id}, {&low_gate, &wait, &now, &id},
                            {&word, &wait, &now, &id},     {&gate, &word, &now, &id},
                            {&gate, &wait, &word, &id},    {&gate, &wait, &now, &word},
                            {&gate, &wait, &now, &gate}};
  struct queue_claimed c = {.n = 77};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    redisReply reply = array(cases[i], 4);
    cr_assert_eq(answer_claimed(&reply, "me", 0, 5, &c), ST_BROKEN, "case %zu", i);
  }
  redisReply *good[] = {&gate, &wait, &now, &id};
  redisReply too_short = array(good, 2), too_many = array(good, 4), number = integer(1);
  cr_assert_eq(answer_claimed(&too_short, "me", 0, 5, &c), ST_BROKEN);
  cr_assert_eq(answer_claimed(&too_many, "me", 0, 0, &c), ST_BROKEN, "more than was asked for");
  cr_assert_eq(answer_claimed(&number, "me", 0, 5, &c), ST_BROKEN);
  cr_assert_eq(c.n, 77, "set only on success");
}

/* id_a was made at this time. */
static int64_t made_ms(void)
{
  struct ulid id;
  cr_assert(ulid_parse(id_a, ULID_LEN, &id));
  int64_t ms = 0;
  for (int i = 0; i < 6; i++) ms = ms * 256 + id.bytes[i];
  return ms;
}

static enum status read_counts(const char *oldest, int64_t now_ms, struct queue_counts *out)
{
  redisReply numbers[7], last = text(oldest), *all[8];
  for (int i = 0; i < 7; i++) {
    numbers[i] = integer(i + 1);
    all[i] = &numbers[i];
  }
  all[7] = &last;
  redisReply reply = array(all, 8);
  return answer_counts(&reply, now_ms, out);
}

Test(answer, counts)
{
  struct queue_counts c;
  cr_assert_eq(read_counts(id_a, made_ms() + 1234, &c), ST_OK);
  cr_assert(c.waiting == 1 && c.active == 2 && c.delayed == 3 && c.completed == 4);
  cr_assert(c.failed == 5 && c.used_in_window == 6 && c.paused);
  cr_assert_eq(c.oldest_waiting_ms, 1234);
  cr_assert_eq(read_counts(id_a, made_ms() - 5, &c), ST_OK);
  cr_assert_eq(c.oldest_waiting_ms, 0, "made by a clock that is ahead");
  cr_assert_eq(read_counts("", made_ms(), &c), ST_OK);
  cr_assert_eq(c.oldest_waiting_ms, 0);
}

Test(answer, counts_that_are_none)
{
  struct queue_counts c = {.waiting = 77};
  cr_assert_eq(read_counts("no ULID", 0, &c), ST_BROKEN);
  redisReply word = text("x"), *all[] = {&word, &word, &word, &word, &word, &word, &word, &word};
  redisReply words = array(all, 8), too_short = array(all, 7), number = integer(1);
  cr_assert_eq(answer_counts(&words, 0, &c), ST_BROKEN);
  cr_assert_eq(answer_counts(&too_short, 0, &c), ST_BROKEN);
  cr_assert_eq(answer_counts(&number, 0, &c), ST_BROKEN);
  cr_assert_eq(c.waiting, 77);
}

Test(answer, reports_come_back_as_they_were_written)
{
  const struct queue_report report = {.slots = 10,
                                      .busy = 1,
                                      .run = 9,
                                      .succeeded = 5,
                                      .failed = 2,
                                      .retried = 1,
                                      .other = 1,
                                      .busy_ms = 77,
                                      .open_ms = 990,
                                      .status = "{\"a\":1}",
                                      .status_len = 7,
                                      .stats = "{}",
                                      .stats_len = 2};
  struct buf written;
  buf_init(&written, 1000);
  report_write(&report, &written);
  redisReply id = text(id_a), age = integer(3),
             body = {.type = REDIS_REPLY_STRING, .str = written.data, .len = written.len},
             *all[] = {&id, &age, &body}, reply = array(all, 3);
  struct queue_report *back;
  size_t n;
  cr_assert_eq(answer_reports(&reply, &back, &n), ST_OK);
  cr_assert_eq(n, 1);
  cr_assert(back->age_ms == 3 && back->slots == 10 && back->run == 9 && back->open_ms == 990);
  cr_assert(back->status_len == 7 && memcmp(back->status, "{\"a\":1}", 7) == 0);
  cr_assert(back->stats_len == 2 && memcmp(back->stats, "{}", 2) == 0);
  free(back);
  buf_deinit(&written);
}

Test(answer, reports_that_are_none_are_left_out)
{
  static const char *const bodies[] = {"",
                                       "\n\n",
                                       "1 2 3\n{}\n{}",
                                       "1 2 3 4 5 6 7 8 9 {} {}",
                                       "1 2 3 4 5 6 7 8\n9 {}\n{}",
                                       "1 2 3 4 5 6 7 8 x\n{}\n{}"};
  redisReply id = text(id_a), age = integer(3), word = text("no ULID");
  struct queue_report *back;
  size_t n;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    redisReply body = text(bodies[i]), *all[] = {&id, &age, &body}, reply = array(all, 3);
    cr_assert_eq(answer_reports(&reply, &back, &n), ST_OK);
    cr_expect_eq(n, 0, "%s", bodies[i]);
    free(back);
  }
  redisReply body = text("1 2 3 4 5 6 7 8 9\n{}\n{}"), *bad[] = {&word, &age, &body};
  redisReply bad_reply = array(bad, 3), two = array(bad, 2);
  cr_assert_eq(answer_reports(&bad_reply, &back, &n), ST_OK);
  cr_assert_eq(n, 0);
  free(back);
  cr_assert_eq(answer_reports(&two, &back, &n), ST_BROKEN);
  cr_assert_eq(answer_reports(&age, &back, &n), ST_BROKEN);
}
