/* faults_test.c - sets of faults: what is refused, what comes back, and when one strikes. */
#include "executors/faults.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const venues[] = {"raydium", "meteora", "raydium+meteora", NULL};
static char said[4096]; /* "/faults/0/kind REQUIRED;" for each error */

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  cr_assert(detail && strlen(detail) > 8);
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

static struct ox_errors errors = {.size = sizeof errors, .add = add};

static struct faults *set_read(const char *json, struct ox_errors *listener)
{
  json_t *array = json_loads(json, 0, NULL);
  struct faults *set = faults_read(array, venues, listener);
  json_decref(array);
  return set;
}

static struct faults *set_of(const char *json)
{
  struct faults *set = set_read(json, NULL);
  cr_assert(set, "%s", json);
  faults_begin(set, 1000, false);
  return set;
}

static void expect(const char *json, const char *errors_said)
{
  said[0] = '\0';
  cr_assert_null(set_read(json, &errors), "%s", json);
  cr_assert_str_eq(said, errors_said, "%s: %s", json, said);
  cr_assert_null(set_read(json, NULL));
}

static struct fault_call call_at(enum fault_point point, const char *venue)
{
  return (struct fault_call){
      .point = point, .venue = venue, .key = "k", .attempt = 1, .seed = 7, .now_ms = 1000};
}

static enum fault_kind strike(struct faults *set, enum fault_point point, const char *venue)
{
  struct fault_call call = call_at(point, venue);
  return faults_strike(set, &call);
}

/* ── reading ─────────────────────────────────────────────────────────────────────────────────── */

Test(faults, every_wrong_member_is_named)
{
  expect("[{}]", "/faults/0/venue REQUIRED;/faults/0/kind REQUIRED;");
  expect("[{\"venue\":1,\"kind\":null}]", "/faults/0/venue WRONG_TYPE;/faults/0/kind WRONG_TYPE;");
  expect("[{\"venue\":\"orca\",\"kind\":\"gone\",\"probability\":\"1\",\"nth\":0,\"windowMs\":1.5,"
         "\"a/b\":1}]",
         "/faults/0/venue UNKNOWN_VENUE;/faults/0/kind UNKNOWN_KIND;"
         "/faults/0/probability WRONG_TYPE;/faults/0/nth OUT_OF_RANGE;"
         "/faults/0/windowMs OUT_OF_RANGE;/faults/0/a~1b UNKNOWN_FIELD;");
  expect(
      "[{\"venue\":\"raydium\",\"kind\":\"halted\"},7,{\"venue\":\"raydium\",\"kind\":\"Halted\"}]",
      "/faults/1 WRONG_TYPE;/faults/2/kind UNKNOWN_KIND;");
}

Test(faults, numbers_out_of_range)
{
#define ONE(members) "[{\"venue\":\"meteora\",\"kind\":\"halted\"," members "}]"
  expect(ONE("\"probability\":1.000001"), "/faults/0/probability PROBABILITY_OUT_OF_RANGE;");
  expect(ONE("\"probability\":-0.1"), "/faults/0/probability PROBABILITY_OUT_OF_RANGE;");
  expect(ONE("\"probability\":0.1234567"), "/faults/0/probability TOO_MANY_DECIMALS;");
  expect(ONE("\"probability\":1e-9"), "/faults/0/probability TOO_MANY_DECIMALS;");
  expect(ONE("\"probability\":true"), "/faults/0/probability WRONG_TYPE;");
  expect(ONE("\"nth\":-1"), "/faults/0/nth OUT_OF_RANGE;");
  expect(ONE("\"nth\":2147483648"), "/faults/0/nth OUT_OF_RANGE;");
  expect(ONE("\"nth\":\"1\""), "/faults/0/nth WRONG_TYPE;");
  expect(ONE("\"windowMs\":86400001"), "/faults/0/windowMs OUT_OF_RANGE;");
  expect(ONE("\"windowMs\":0"), "/faults/0/windowMs OUT_OF_RANGE;");
  expect(ONE("\"point\":\"sent\""), "/faults/0/point CONFLICTING_FIELDS;");
  expect("[{\"venue\":\"meteora\",\"kind\":\"crash\",\"point\":\"build\"}]",
         "/faults/0/point UNKNOWN_POINT;");
  expect("[{\"venue\":\"meteora\",\"kind\":\"crash\",\"point\":1}]",
         "/faults/0/point UNKNOWN_POINT;");
}

Test(faults, what_is_no_array)
{
  expect("{}", "/faults WRONG_TYPE;");
  expect("null", "/faults WRONG_TYPE;");
  expect("\"x\"", "/faults WRONG_TYPE;");
  expect("[", "/faults WRONG_TYPE;");
}

Test(faults, as_many_as_there_is_room_for)
{
  static const char one[] = "{\"venue\":\"raydium\",\"kind\":\"ack_lost_after_landing\","
                            "\"probability\":0.123456,\"nth\":2147483647,\"windowMs\":86400000}";
  char json[FAULTS_TEXT_MAX], out[FAULTS_TEXT_MAX];
  size_t len = 0;
  for (int i = 0; i < FAULTS_MAX; i++)
    len += (size_t)snprintf(json + len, sizeof json - len, "%c%s", i ? ',' : '[', one);
  snprintf(json + len, sizeof json - len, "]");
  struct faults *set = set_of(json);
  struct writer w;
  writer_init(&w, out, sizeof out);
  writer_begin(&w, NULL);
  faults_write(set, &w);
  writer_end(&w);
  cr_assert(writer_text(&w), "the longest set fits");
  faults_drop(set);
  snprintf(json + len, sizeof json - len, ",%s]", one);
  expect(json, "/faults TOO_MANY_FAULTS;");
}

static void expect_written(const char *json, const char *expected)
{
  char out[1024];
  struct writer w;
  struct faults *set = set_of(json);
  writer_init(&w, out, sizeof out);
  writer_begin(&w, NULL);
  faults_write(set, &w);
  writer_end(&w);
  cr_assert_str_eq(writer_text(&w), expected);
  faults_drop(set);
}

Test(faults, are_written_with_every_member)
{
  expect_written("[]", "{\"faults\":[]}");
  expect_written("[{\"venue\":\"raydium\",\"kind\":\"ack_lost_after_landing\",\"probability\":0.1,"
                 "\"nth\":null,\"windowMs\":null}]",
                 "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"ack_lost_after_landing\","
                 "\"probability\":0.1,\"nth\":null,\"windowMs\":null}]}");
  expect_written("[{\"kind\":\"crash\",\"venue\":\"meteora\",\"nth\":3,\"probability\":1.0}]",
                 "{\"faults\":[{\"venue\":\"meteora\",\"kind\":\"crash\",\"point\":\"sent\","
                 "\"probability\":1,\"nth\":3,\"windowMs\":null}]}");
  expect_written("[{\"kind\":\"halted\",\"venue\":\"meteora\",\"windowMs\":50,"
                 "\"probability\":0.000001}]",
                 "{\"faults\":[{\"venue\":\"meteora\",\"kind\":\"halted\","
                 "\"probability\":0.000001,\"nth\":null,\"windowMs\":50}]}");
}

/* ── striking ────────────────────────────────────────────────────────────────────────────────── */

Test(faults, strike_their_venue_at_their_point)
{
  static const struct {
    const char *kind;
    enum fault_kind is;
    unsigned points;
  } all[] = {
      {"quote_timeout", FAULT_QUOTE_TIMEOUT, 1 << FAULT_AT_QUOTE},
      {"stale_quote", FAULT_STALE_QUOTE, 1 << FAULT_AT_QUOTE},
      {"no_liquidity", FAULT_NO_LIQUIDITY, 1 << FAULT_AT_QUOTE},
      {"rate_limited", FAULT_RATE_LIMITED, 1 << FAULT_AT_QUOTE | 1 << FAULT_AT_SUBMIT},
      {"lost_before_landing", FAULT_LOST_BEFORE_LANDING, 1 << FAULT_AT_SUBMIT},
      {"ack_lost_after_landing", FAULT_ACK_LOST_AFTER_LANDING, 1 << FAULT_AT_SUBMIT},
      {"late_landing", FAULT_LATE_LANDING, 1 << FAULT_AT_SUBMIT},
      {"expired", FAULT_EXPIRED, 1 << FAULT_AT_BUILD},
      {"lookup_lagging", FAULT_LOOKUP_LAGGING, 1 << FAULT_AT_LOOKUP},
      {"halted", FAULT_HALTED, 1 << FAULT_AT_QUOTE | 1 << FAULT_AT_SUBMIT | 1 << FAULT_AT_LOOKUP},
      {"crash", FAULT_CRASH, 1 << FAULT_AT_SENT},
      {"crash\",\"point\":\"lookup", FAULT_CRASH, 1 << FAULT_AT_LOOKUP},
      {"crash\",\"point\":\"quote", FAULT_CRASH, 1 << FAULT_AT_QUOTE},
      {"crash\",\"point\":\"submit", FAULT_CRASH, 1 << FAULT_AT_SUBMIT},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char json[128];
    snprintf(json, sizeof json, "[{\"venue\":\"raydium\",\"kind\":\"%s\"}]", all[i].kind);
    struct faults *set = set_of(json);
    for (int point = 0; point < FAULT_POINTS; point++) {
      enum fault_kind expected = all[i].points & 1u << point ? all[i].is : FAULT_NONE;
      cr_assert(strike(set, (enum fault_point)point, "raydium") == expected, "%s at %d", json,
                point);
      cr_assert(strike(set, (enum fault_point)point, "meteora") == FAULT_NONE);
      cr_assert(strike(set, (enum fault_point)point, "raydium+meteora") == expected);
      cr_assert(strike(set, (enum fault_point)point, "xraydium") == FAULT_NONE);
      cr_assert(strike(set, (enum fault_point)point, "raydium2+x") == FAULT_NONE);
    }
    faults_drop(set);
  }
}

Test(faults, of_the_split_strike_the_split_alone)
{
  struct faults *set = set_of("[{\"venue\":\"raydium+meteora\",\"kind\":\"halted\"}]");
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium+meteora") == FAULT_HALTED);
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium") == FAULT_NONE);
  cr_assert(strike(set, FAULT_AT_QUOTE, "meteora") == FAULT_NONE);
  faults_drop(set);
}

Test(faults, the_first_that_strikes_counts)
{
  struct faults *set = set_of("[{\"venue\":\"raydium\",\"kind\":\"no_liquidity\",\"nth\":2},"
                              "{\"venue\":\"raydium\",\"kind\":\"quote_timeout\"}]");
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium") == FAULT_QUOTE_TIMEOUT);
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium") == FAULT_NO_LIQUIDITY);
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium") == FAULT_QUOTE_TIMEOUT);
  faults_drop(set);
}

Test(faults, the_nth_call_only)
{
  struct faults *set = set_of("[{\"venue\":\"raydium\",\"kind\":\"halted\",\"nth\":3}]");
  for (int i = 1; i <= 6; i++) {
    cr_assert(strike(set, FAULT_AT_SUBMIT, "meteora") == FAULT_NONE);
    cr_assert(strike(set, FAULT_AT_SUBMIT, "raydium") == (i == 3 ? FAULT_HALTED : FAULT_NONE));
  }
  faults_drop(set);
}

Test(faults, the_nth_call_is_over_where_nobody_counted)
{
  struct faults *set = set_of("[{\"venue\":\"raydium\",\"kind\":\"crash\",\"nth\":1},"
                              "{\"venue\":\"raydium\",\"kind\":\"halted\"}]");
  faults_begin(set, 1000, true);
  cr_assert(strike(set, FAULT_AT_SENT, "raydium") == FAULT_NONE);
  cr_assert(strike(set, FAULT_AT_QUOTE, "raydium") == FAULT_HALTED);
  faults_drop(set);
}

Test(faults, only_within_their_window)
{
  struct faults *set = set_of("[{\"venue\":\"raydium\",\"kind\":\"halted\",\"windowMs\":500}]");
  struct fault_call call = call_at(FAULT_AT_LOOKUP, "raydium");
  cr_assert(faults_strike(set, &call) == FAULT_HALTED);
  call.now_ms = 1500;
  cr_assert(faults_strike(set, &call) == FAULT_HALTED);
  call.now_ms = 1501;
  cr_assert(faults_strike(set, &call) == FAULT_NONE);
  faults_drop(set);
}

Test(faults, all_conditions_have_to_hold)
{
  struct faults *set = set_of("[{\"venue\":\"raydium\",\"kind\":\"halted\",\"windowMs\":500,"
                              "\"nth\":2,\"probability\":1}]");
  struct fault_call call = call_at(FAULT_AT_QUOTE, "raydium");
  cr_assert(faults_strike(set, &call) == FAULT_NONE);
  call.now_ms = 2000;
  cr_assert(faults_strike(set, &call) == FAULT_NONE, "the second call came too late");
  call.now_ms = 1000;
  cr_assert(faults_strike(set, &call) == FAULT_NONE);
  faults_drop(set);
}

/* ── drawing ─────────────────────────────────────────────────────────────────────────────────── */

static int count_struck(struct faults *set, enum fault_point point, uint64_t seed, bool *struck)
{
  int n = 0;
  for (int i = 0; i < 1000; i++) {
    char key[16];
    snprintf(key, sizeof key, "order%d", i);
    struct fault_call call = call_at(point, "raydium");
    call.key = key;
    call.seed = seed;
    struck[i] = faults_strike(set, &call) != FAULT_NONE;
    n += struck[i];
  }
  return n;
}

Test(faults, as_often_as_their_probability_says)
{
  static const char *const chances[] = {"0", "0.1", "0.5", "0.999", "1"};
  static const int least[] = {0, 60, 430, 985, 1000}, most[] = {0, 140, 570, 1000, 1000};
  bool struck[1000];
  for (int i = 0; i < 5; i++) {
    char json[128];
    snprintf(json, sizeof json, "[{\"venue\":\"raydium\",\"kind\":\"expired\",\"probability\":%s}]",
             chances[i]);
    struct faults *set = set_of(json);
    int n = count_struck(set, FAULT_AT_BUILD, 7, struck);
    cr_assert(n >= least[i] && n <= most[i], "%s: %d of 1000", chances[i], n);
    faults_drop(set);
  }
}

Test(faults, the_draw_depends_on_seed_order_and_attempt_alone)
{
  bool first[1000], again[1000], other[1000];
  struct faults *set =
      set_of("[{\"venue\":\"raydium\",\"kind\":\"late_landing\",\"probability\":0.5}]");
  count_struck(set, FAULT_AT_SUBMIT, 7, first);
  count_struck(set, FAULT_AT_SUBMIT, 7, again);
  count_struck(set, FAULT_AT_SUBMIT, 8, other);
  cr_assert(memcmp(first, again, sizeof first) == 0, "the same bytes meet the same fate");
  cr_assert(memcmp(first, other, sizeof first) != 0);
  int changed = 0;
  for (uint32_t attempt = 1; attempt <= 64; attempt++) {
    struct fault_call call = call_at(FAULT_AT_SUBMIT, "raydium");
    call.attempt = attempt;
    changed += faults_strike(set, &call) != FAULT_NONE;
  }
  cr_assert(changed > 16 && changed < 48, "%d of 64 attempts", changed);
  faults_drop(set);
}

Test(faults, of_look_ups_are_drawn_anew_each_time)
{
  struct faults *set =
      set_of("[{\"venue\":\"raydium\",\"kind\":\"lookup_lagging\",\"probability\":0.5}]");
  int n = 0;
  for (int i = 0; i < 1000; i++) n += strike(set, FAULT_AT_LOOKUP, "raydium") != FAULT_NONE;
  cr_assert(n > 430 && n < 570, "%d of 1000", n);
  faults_drop(set);
}

Test(faults, none_never_strike)
{
  struct faults *set = set_of("[]");
  for (int point = 0; point < FAULT_POINTS; point++)
    cr_assert(strike(set, (enum fault_point)point, "raydium") == FAULT_NONE);
  faults_drop(set);
}
