/*
 * ledger_test.c - the simulated venues' ledger against a real PostgreSQL (DATABASE_URL). Each test
 * has a database of its own: they run side by side, and some end all connections there are.
 */
#include "executors/ledger.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "executors/ledger_db.h"
#include "own_database.h"

enum { WAIT_MS = 5000, LIFE_MS = 60000 };

static struct ledger *ledger;

static int64_t mono_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* This host's clock is an hour slow: whatever depends on it shows. */
static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - 3600000;
}

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config, (void)key;
  return NULL;
}

static _Atomic int warnings;

static void say(const char *level, const char *message)
{
  (void)message;
  if (strcmp(level, "warn") == 0) atomic_fetch_add(&warnings, 1);
}

static const struct ox_config config = {
    .size = sizeof config, .get = get, .now_ms = now_ms, .log = say};

static void pause_ms(int ms)
{
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* The ledger's clock is PostgreSQL's once it has connected. */
static void wait_until_up(struct ledger *l)
{
  int64_t until = mono_ms() + WAIT_MS;
  while (ledger_now_ms(l) - now_ms() < 1800000 && mono_ms() < until) pause_ms(1);
  cr_assert(ledger_now_ms(l) - now_ms() >= 1800000, "it does not connect");
}

static void setup(void)
{
  database_create("ledger_test");
  ledger = ledger_create(&config, database_url);
  cr_assert(ledger);
  wait_until_up(ledger);
}

static void teardown(void)
{
  ledger_destroy(ledger);
  database_drop();
}

static struct ledger_row row_of(const char *name)
{
  struct ledger_row row = {
      .order_id = "ord_01J00000000000000000000000",
      .venue = "raydium",
      .token_in = "SOL",
      .token_out = "USDC",
      .attempt = 1,
      .in_amount = 1500000000,
      .out_amount = 226953171,
      .min_out_amount = 224683639,
      .expires_at_ms = ledger_now_ms(ledger) + LIFE_MS,
      .landed = true,
  };
  snprintf(row.tx_hash, sizeof row.tx_hash, "%s", name);
  return row;
}

static struct ox_landing look(const char *tx_hash)
{
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(ledger_lookup(ledger, tx_hash, WAIT_MS, 0, &landing) == OX_VENUE_OK);
  return landing;
}

/* Another process has seen nothing yet: so does another ledger. */
static struct ox_landing look_from_elsewhere(const char *tx_hash)
{
  struct ox_landing landing = {.size = sizeof landing};
  struct ledger *other = ledger_create(&config, database_url);
  cr_assert(ledger_lookup(other, tx_hash, WAIT_MS, 0, &landing) == OX_VENUE_OK);
  ledger_destroy(other);
  return landing;
}

#define GATE        "pg_advisory_xact_lock(8032289118147274098)"
#define GATE_SHARED "pg_advisory_xact_lock_shared(8032289118147274098)"
#define TERMINATE                                                                                  \
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"                                         \
  " WHERE application_name = 'ox sim ledger' AND datname = current_database()"

TestSuite(ledger, .init = setup, .fini = teardown, .timeout = 60);

Test(ledger, lands_at_once_without_a_delay)
{
  struct ledger_row row = row_of("at once");
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  struct ox_landing landing = look(row.tx_hash);
  cr_assert(landing.state == OX_LANDING_LANDED);
  cr_assert(landing.in_amount == row.in_amount && landing.out_amount == row.out_amount);
  cr_assert(landing.landed_at_ms <= landing.as_of_ms);
}

Test(ledger, is_pending_until_it_lands)
{
  struct ledger_row row = row_of("pending");
  row.delay_ms = 300;
  int64_t start = ledger_now_ms(ledger);
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  struct ox_landing landing = look(row.tx_hash);
  cr_assert(landing.state == OX_LANDING_PENDING);
  int64_t lands_at = landing.landed_at_ms;
  cr_assert(lands_at >= start + 300 && lands_at <= ledger_now_ms(ledger) + 300);
  while ((landing = look(row.tx_hash)).state == OX_LANDING_PENDING) pause_ms(5);
  cr_assert(landing.state == OX_LANDING_LANDED && landing.landed_at_ms == lands_at);
  cr_assert(landing.as_of_ms >= lands_at && landing.as_of_ms < lands_at + 1000);
}

Test(ledger, reverts_and_moves_nothing)
{
  struct ledger_row row = row_of("reverts");
  row.landed = false;
  row.out_amount = row.min_out_amount - 1;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  struct ox_landing landing = look(row.tx_hash);
  cr_assert(landing.state == OX_LANDING_REVERTED);
  cr_assert(landing.in_amount == 0 && landing.out_amount == 0);
}

Test(ledger, an_unknown_hash_is_absent_as_of_now)
{
  int64_t before = ledger_now_ms(ledger);
  struct ox_landing landing = look("nobody sent this");
  cr_assert(landing.state == OX_LANDING_ABSENT);
  cr_assert(landing.as_of_ms >= before - 1 && landing.as_of_ms <= ledger_now_ms(ledger) + 1);
}

Test(ledger, a_hash_that_cannot_be_one_is_refused)
{
  char hash[OX_TX_HASH_MAX] = "";
  struct ox_landing landing = {.size = sizeof landing};
  memset(hash, 'x', sizeof hash - 1);
  cr_assert(ledger_lookup(ledger, hash, WAIT_MS, 0, &landing) == OX_VENUE_REJECTED);
}

Test(ledger, of_a_batch_each_has_its_own_answer)
{
  struct ledger_row rows[] = {row_of("new"), row_of("known"), row_of("expired"),
                              row_of("new as well"), row_of("known")};
  enum { N = sizeof rows / sizeof *rows };
  enum ox_venue_result results[N];
  cr_assert(ledger_submit(ledger, &rows[1], WAIT_MS) == OX_VENUE_OK);
  rows[2].expires_at_ms = ledger_now_ms(ledger) - 1000;
  ledger_submit_batch(ledger, rows, N, WAIT_MS, results);
  for (int i = 0; i < N; i++)
    cr_assert_eq(results[i], i == 2 ? OX_VENUE_REJECTED : OX_VENUE_OK, "row %d", i);
  cr_assert(look_from_elsewhere("new").state == OX_LANDING_LANDED);
  cr_assert(look_from_elsewhere("new as well").state == OX_LANDING_LANDED);
  cr_assert(look_from_elsewhere("expired").state == OX_LANDING_ABSENT);
  cr_assert_eq(number_of("SELECT count(*) FROM sim.ledger WHERE tx_hash = $1", "known"), 1);
}

Test(ledger, a_batch_as_large_as_may_be_is_one_transaction)
{
  static struct ledger_row rows[OX_BATCH_MAX];
  enum ox_venue_result results[OX_BATCH_MAX];
  for (int i = 0; i < OX_BATCH_MAX; i++) {
    char name[16];
    snprintf(name, sizeof name, "large %d", i);
    rows[i] = row_of(name);
  }
  ledger_submit_batch(ledger, rows, OX_BATCH_MAX, WAIT_MS, results);
  for (int i = 0; i < OX_BATCH_MAX; i++) cr_assert_eq(results[i], OX_VENUE_OK, "row %d", i);
  cr_assert_eq(number_of("SELECT count(*) FROM sim.ledger WHERE tx_hash LIKE $1", "large%"),
               OX_BATCH_MAX);
  cr_assert_eq(number_of("SELECT count(DISTINCT xmin::text) FROM sim.ledger"
                         " WHERE tx_hash LIKE $1",
                         "large%"),
               1);
}

Test(ledger, a_batch_that_gets_no_answer_in_time_is_unknown_as_a_whole)
{
  struct ledger_row rows[] = {row_of("one"), row_of("two")};
  enum ox_venue_result results[2] = {OX_VENUE_OK, OX_VENUE_OK};
  command(sql, "BEGIN");
  command(sql, "SELECT " GATE);
  ledger_submit_batch(ledger, rows, 2, 100, results);
  command(sql, "COMMIT");
  cr_assert_eq(results[0], OX_VENUE_TIMEOUT);
  cr_assert_eq(results[1], OX_VENUE_TIMEOUT);
}

Test(ledger, quotes_what_sql_and_arrays_would_take_for_their_own)
{
  struct ledger_row row = row_of("q'\"\\{},");
  snprintf(row.order_id, sizeof row.order_id, "o\"\\'{},%%s NULL");
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  cr_assert(look_from_elsewhere(row.tx_hash).state == OX_LANDING_LANDED);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger WHERE order_id = $1", row.order_id) > 0);
}

Test(ledger, keeps_every_column)
{
  struct ledger_row row = row_of("columns");
  row.delay_ms = 1234;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  char query[512];
  snprintf(query, sizeof query,
           "SELECT count(*) FROM sim.ledger WHERE tx_hash = $1 AND order_id = '%s' AND attempt = 1"
           " AND venue = 'raydium' AND token_in = 'SOL' AND token_out = 'USDC'"
           " AND in_amount = 1500000000 AND out_amount = 226953171 AND min_out = 224683639"
           " AND landed AND lands_at = submitted_at + interval '1234 ms'"
           " AND expires_at = 'epoch'::timestamptz + %lld * interval '1 ms'",
           row.order_id, (long long)row.expires_at_ms);
  cr_assert(number_of(query, row.tx_hash) == 1);
}

Test(ledger, the_first_row_stays)
{
  struct ledger_row row = row_of("first");
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  struct ledger_row again = row;
  again.out_amount = 1;
  again.landed = false;
  again.delay_ms = 3600000;
  cr_assert(ledger_submit(ledger, &again, WAIT_MS) == OX_VENUE_OK);
  cr_assert(look(row.tx_hash).out_amount == row.out_amount);
  struct ox_landing landing = look_from_elsewhere(row.tx_hash);
  cr_assert(landing.state == OX_LANDING_LANDED && landing.out_amount == row.out_amount);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger WHERE tx_hash = $1", row.tx_hash) == 1);
}

/* What came together with a row that is there already is accepted all the same, in the second go.
 */
Test(ledger, one_that_is_known_holds_nobody_else_up)
{
  struct ledger_row known = row_of("known"), new = row_of("new"), expired = row_of("expired");
  cr_assert(ledger_submit(ledger, &known, WAIT_MS) == OX_VENUE_OK);
  expired.expires_at_ms = ledger_now_ms(ledger) - 1000;
  const struct ledger_row *rows[] = {&new, &expired, &known};
  int64_t accepted_ms[3], now;
  struct ledger_db *db = ledger_db_create(database_url);
  cr_assert(ledger_db_connect(db, &now));
  cr_assert_not(ledger_db_insert(db, rows, 3, false, accepted_ms));
  cr_assert(look_from_elsewhere(new.tx_hash).state == OX_LANDING_ABSENT);
  cr_assert(ledger_db_connect(db, &now));
  cr_assert(ledger_db_insert(db, rows, 3, true, accepted_ms));
  cr_expect(accepted_ms[0] >= now && accepted_ms[1] == 0 && accepted_ms[2] == 0);
  cr_assert(look_from_elsewhere(new.tx_hash).state == OX_LANDING_LANDED);
  ledger_db_destroy(db);
}

Test(ledger, refuses_what_has_expired)
{
  struct ledger_row row = row_of("expired");
  row.expires_at_ms = ledger_now_ms(ledger) - 10;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_REJECTED);
  struct ox_landing landing = look(row.tx_hash);
  cr_assert(landing.state == OX_LANDING_ABSENT && landing.as_of_ms > row.expires_at_ms);
}

Test(ledger, does_not_refuse_what_it_accepted_before_it_expired)
{
  struct ledger_row row = row_of("in time");
  row.expires_at_ms = ledger_now_ms(ledger) + 100;
  row.delay_ms = 1000;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  while (ledger_now_ms(ledger) <= row.expires_at_ms) pause_ms(5);
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  cr_assert(look(row.tx_hash).state == OX_LANDING_PENDING);
}

Test(ledger, expiry_is_by_its_own_clock)
{
  struct ledger_row row = row_of("own clock");
  row.expires_at_ms = now_ms() + 60000; /* in a minute, says this host, which is an hour slow */
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_REJECTED);
}

/* A commit that takes long must not be missed: the row's transaction is held open, past its expiry,
 * by another connection that does what an insert does. */
Test(ledger, absence_waits_for_inserts_under_way)
{
  struct ledger_row row = row_of("slow");
  command(sql, "BEGIN");
  command(sql, "SELECT " GATE_SHARED);
  command(sql,
          "INSERT INTO sim.ledger VALUES ('%s', 'ord_x', 1, 'raydium', 'SOL', 'USDC', 1, 2, 1,"
          " true, now(), now(), now())",
          row.tx_hash);
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(ledger_lookup(ledger, row.tx_hash, 200, 0, &landing) == OX_VENUE_TIMEOUT);
  command(sql, "COMMIT");
  cr_assert(look(row.tx_hash).state == OX_LANDING_LANDED);
}

/* The other way round: an insert that had to wait at the gate reads the clock behind it. What a
 * reader called dead meanwhile is refused. */
Test(ledger, an_insert_held_up_past_the_expiry_is_refused)
{
  struct ledger_row row = row_of("held up");
  command(sql, "BEGIN");
  command(sql, "SELECT " GATE);
  row.expires_at_ms = ledger_now_ms(ledger) + 100;
  cr_assert(ledger_submit(ledger, &row, 300) == OX_VENUE_TIMEOUT);
  command(sql, "COMMIT");
  cr_assert(look(row.tx_hash).state == OX_LANDING_ABSENT);
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_REJECTED);
}

Test(ledger, an_insert_held_up_but_in_time_is_accepted)
{
  struct ledger_row row = row_of("in time");
  command(sql, "BEGIN");
  command(sql, "SELECT " GATE);
  cr_assert(ledger_submit(ledger, &row, 100) == OX_VENUE_TIMEOUT);
  command(sql, "COMMIT");
  cr_assert(look(row.tx_hash).state == OX_LANDING_LANDED);
}

Test(ledger, survives_the_end_of_its_backend)
{
  struct ledger_row row = row_of("backend");
  for (int i = 0; i < 3; i++) {
    command(sql, TERMINATE);
    row.tx_hash[0] = (char)('0' + i);
    cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
    cr_assert(look_from_elsewhere(row.tx_hash).state == OX_LANDING_LANDED);
  }
}

Test(ledger, makes_its_schema_again)
{
  struct ledger_row row = row_of("schema");
  command(sql, "DROP SCHEMA sim CASCADE");
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  cr_assert(look_from_elsewhere(row.tx_hash).state == OX_LANDING_LANDED);
}

/* A plan is made once: whatever the statistics say, it must go by the key. */
Test(ledger, reads_by_the_key_however_large_it_is)
{
  command(sql, "INSERT INTO sim.ledger SELECT 'bulk' || i, 'ord_x', 1, 'raydium', 'SOL', 'USDC', 1,"
               " 2, 1, true, now(), now(), now() FROM generate_series(1, 20000) AS i");
  for (int i = 1; i <= 20; i++) {
    char hash[LEDGER_HASH_MAX];
    snprintf(hash, sizeof hash, "bulk%d", i * 1000);
    cr_assert(look(hash).state == OX_LANDING_LANDED);
  }
  command(sql, TERMINATE); /* a backend reports what it did when it ends */
  const char *scans =
      "SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'sim.ledger'::regclass";
  const char *finds =
      "SELECT idx_scan FROM pg_stat_user_tables WHERE relid = 'sim.ledger'::regclass";
  int64_t until = mono_ms() + WAIT_MS;
  while (number_of(finds, NULL) < 20 && mono_ms() < until) pause_ms(10);
  cr_assert(number_of(finds, NULL) >= 20);
  cr_assert(number_of(scans, NULL) <= 2, "only its indexes were made by scans");
}

/* ── many at once ───────────────────────────────────────────────────────────────────────────────
 */

enum { THREADS = 10, EACH = 100 };

struct crowd {
  _Atomic int failed;
  _Atomic int next;
};

static void *submit_many(void *arg)
{
  struct crowd *crowd = arg;
  int self = atomic_fetch_add(&crowd->next, 1);
  for (int i = 0; i < EACH; i++) {
    struct ledger_row row = row_of("crowd");
    /* every second one is sent by all of them */
    snprintf(row.tx_hash, sizeof row.tx_hash, "crowd-%d-%d", i % 2 ? self : 0, i);
    struct ox_landing landing = {.size = sizeof landing};
    if (ledger_submit(ledger, &row, WAIT_MS) != OX_VENUE_OK ||
        ledger_lookup(ledger, row.tx_hash, WAIT_MS, 0, &landing) != OX_VENUE_OK ||
        landing.state != OX_LANDING_LANDED)
      atomic_fetch_add(&crowd->failed, 1);
  }
  return NULL;
}

static void run_crowd(struct crowd *crowd)
{
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    cr_assert(pthread_create(&threads[i], NULL, submit_many, crowd) == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static long crowd_rows(void)
{
  return number_of("SELECT count(*) FROM sim.ledger", NULL);
}

Test(ledger, ten_threads_at_once)
{
  struct crowd crowd = {0};
  run_crowd(&crowd);
  cr_assert(crowd.failed == 0, "%d failed", crowd.failed);
  cr_assert(crowd_rows() == EACH / 2 + THREADS * EACH / 2);
}

Test(ledger, what_gathers_is_one_transaction)
{
  struct crowd crowd = {0};
  run_crowd(&crowd);
  long transactions = number_of("SELECT count(DISTINCT xmin::text) FROM sim.ledger", NULL);
  cr_assert(transactions < crowd_rows() / 2, "%ld transactions for %ld rows", transactions,
            crowd_rows());
}

static void *terminate_backends(void *arg)
{
  const struct crowd *crowd = arg;
  PGconn *conn = PQconnectdb(database_url);
  while (atomic_load(&crowd->next) < THREADS) pause_ms(1);
  for (int i = 0; i < 5; i++) {
    PQclear(PQexec(conn, TERMINATE));
    pause_ms(20);
  }
  PQfinish(conn);
  return NULL;
}

Test(ledger, nothing_is_lost_when_backends_end_in_the_middle)
{
  struct crowd crowd = {0};
  pthread_t killer;
  cr_assert(pthread_create(&killer, NULL, terminate_backends, &crowd) == 0);
  run_crowd(&crowd);
  pthread_join(killer, NULL);
  /* A batch may meet two of them, and is then unknown; what was answered with OK is there. */
  long rows = crowd_rows();
  cr_assert(rows <= EACH / 2 + THREADS * EACH / 2);
  cr_assert(rows >= EACH / 2 + THREADS * EACH / 2 - crowd.failed, "%ld rows, %d failed", rows,
            crowd.failed);
}

Test(ledger, several_processes_may_start_at_once)
{
  struct ledger *others[4];
  for (int i = 0; i < 4; i++) others[i] = ledger_create(&config, database_url);
  for (int i = 0; i < 4; i++) wait_until_up(others[i]);
  for (int i = 0; i < 4; i++) ledger_destroy(others[i]);
}

/* ── PostgreSQL away ────────────────────────────────────────────────────────────────────────────
 */

Test(away, answers_unavailable_and_says_so_once)
{
  struct ledger *away = ledger_create(&config, "postgresql://nobody@127.0.0.1:1/none");
  cr_assert(away, "it has to open all the same");
  struct ledger_row row = {.tx_hash = "away", .venue = "raydium"};
  struct ox_landing landing = {.size = sizeof landing};
  for (int i = 0; i < 5; i++) {
    cr_assert(ledger_submit(away, &row, WAIT_MS) == OX_VENUE_UNAVAILABLE);
    cr_assert(ledger_lookup(away, "away", WAIT_MS, 0, &landing) == OX_VENUE_UNAVAILABLE);
  }
  int64_t ahead = ledger_now_ms(away) - now_ms();
  cr_assert(ahead >= -1 && ahead <= 1, "its clock is the host's");
  ledger_destroy(away);
  cr_assert(warnings == 1, "%d warnings", warnings);
}

Test(away, no_time_left_is_a_timeout)
{
  struct ledger *away = ledger_create(&config, "postgresql://nobody@127.0.0.1:1/none");
  struct ledger_row row = {.tx_hash = "late"};
  for (int i = 0; i < 100; i++) {
    cr_assert(ledger_submit(away, &row, 0) == OX_VENUE_TIMEOUT);
    cr_assert(ledger_submit(away, &row, -i) == OX_VENUE_TIMEOUT);
  }
  ledger_destroy(away);
}

/* A server that takes the connection and never says a word. */
static int listen_in_silence(void)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 8) == 0);
  cr_assert(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
  snprintf(database_url, sizeof database_url, "postgresql://nobody@127.0.0.1:%d/none",
           ntohs(address.sin_port));
  return listener;
}

Test(away, a_silent_server_holds_nobody_up)
{
  int listener = listen_in_silence();
  struct ledger *away = ledger_create(&config, database_url);
  struct ledger_row row = {.tx_hash = "silent"};
  for (int i = 0; i < 3; i++) {
    int64_t start = mono_ms();
    cr_assert(ledger_submit(away, &row, 100) != OX_VENUE_OK);
    cr_assert(mono_ms() - start < 1000);
  }
  int64_t start = mono_ms();
  ledger_destroy(away);
  cr_assert(mono_ms() - start < 10000);
  close(listener);
}

static void *submit_in_vain(void *arg)
{
  struct ledger_row row = {.tx_hash = "vain"};
  while (ledger_submit(ledger, &row, 1) != OX_VENUE_RATE_LIMITED) continue;
  atomic_fetch_add((_Atomic int *)arg, 1);
  return NULL;
}

Test(away, when_too_many_wait_the_next_is_told_so, .timeout = 60)
{
  _Atomic int told = 0;
  pthread_t threads[16];
  int listener = listen_in_silence();
  ledger = ledger_create(&config, database_url);
  for (int i = 0; i < 16; i++)
    cr_assert(pthread_create(&threads[i], NULL, submit_in_vain, &told) == 0);
  for (int i = 0; i < 16; i++) pthread_join(threads[i], NULL);
  cr_assert(told == 16);
  ledger_destroy(ledger);
  close(listener);
}

/* ── late, and seen late ─────────────────────────────────────────────────────────────────────── */

static struct ox_landing look_lagging(const char *tx_hash, int64_t lag_ms)
{
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(ledger_lookup(ledger, tx_hash, WAIT_MS, lag_ms, &landing) == OX_VENUE_OK);
  return landing;
}

/* Nobody may think it dead meanwhile, though it has expired. */
Test(ledger, a_late_one_lands_after_its_expiry)
{
  struct ledger_row row = row_of("late");
  row.expires_at_ms = ledger_now_ms(ledger) + 200;
  row.delay_ms = -150;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  struct ox_landing landing;
  int after_expiry = 0;
  while ((landing = look("late")).state == OX_LANDING_PENDING)
    after_expiry += landing.as_of_ms > row.expires_at_ms;
  cr_assert(landing.state == OX_LANDING_LANDED && after_expiry > 0);
  cr_assert(landing.landed_at_ms == row.expires_at_ms + 150);
  landing = look_from_elsewhere("late");
  cr_assert(landing.state == OX_LANDING_LANDED);
  cr_assert(landing.landed_at_ms == row.expires_at_ms + 150);
}

Test(ledger, with_a_lag_it_shows_what_was_there_then)
{
  enum { LAG_MS = 400 };
  struct ledger_row row = row_of("lag");
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  int64_t accepted_ms = look("lag").landed_at_ms; /* without delay */
  struct ox_landing landing;
  int absent = 0;
  while ((landing = look_lagging("lag", LAG_MS)).state == OX_LANDING_ABSENT) {
    cr_assert(landing.as_of_ms < accepted_ms, "as of then it was not there");
    cr_assert(landing.in_amount == 0 && landing.out_amount == 0 && landing.landed_at_ms == 0);
    cr_assert(look("lag").state == OX_LANDING_LANDED, "without it, it is");
    absent++;
  }
  cr_assert(absent > 0 && landing.state == OX_LANDING_LANDED);
  cr_assert(landing.as_of_ms >= accepted_ms && landing.landed_at_ms == accepted_ms);
}

/* An absence is only proved by a watermark past the expiry; a lag keeps that back. */
Test(ledger, a_lag_puts_off_the_proof_that_it_is_dead)
{
  enum { LAG_MS = 300 };
  int64_t expires_ms = ledger_now_ms(ledger) + 50, proved_ms = 0;
  while (proved_ms <= expires_ms) {
    struct ox_landing landing = look_lagging("never", LAG_MS);
    cr_assert(landing.state == OX_LANDING_ABSENT);
    cr_assert(landing.as_of_ms <= ledger_now_ms(ledger) - LAG_MS + 50);
    proved_ms = landing.as_of_ms;
  }
  cr_assert(ledger_now_ms(ledger) >= expires_ms + LAG_MS);
}

Test(ledger, a_lag_shows_a_landing_only_later)
{
  struct ledger_row row = row_of("slow");
  row.delay_ms = 100;
  cr_assert(ledger_submit(ledger, &row, WAIT_MS) == OX_VENUE_OK);
  while (look("slow").state == OX_LANDING_PENDING) continue;
  struct ox_landing landing = look_lagging("slow", 50);
  cr_assert(landing.state == OX_LANDING_PENDING, "accepted then, and not landed");
}
