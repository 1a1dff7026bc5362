/*
 * ledger_test.c - the ledger's queue, its abandoned calls, cache and clock under the thread
 * sanitizer, against the PostgreSQL of DATABASE_URL: many threads, deadlines short and long,
 * backends that end.
 */
#include "executors/ledger.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 10, ROUNDS = 150, WAIT_MS = 20000 };

static struct ledger *ledger;
static _Atomic int landed, unknown, wrong;
static int64_t started_ms;

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *level, const char *message)
{
  (void)level, (void)message;
}

static void count(enum ox_venue_result result, enum ox_landing_state state)
{
  if (result == OX_VENUE_OK && state == OX_LANDING_LANDED)
    atomic_fetch_add(&landed, 1);
  else if (result == OX_VENUE_TIMEOUT || result == OX_VENUE_UNAVAILABLE)
    atomic_fetch_add(&unknown, 1);
  else
    atomic_fetch_add(&wrong, 1);
}

static enum ox_venue_result submit_with_another(const struct ledger_row *row, int64_t wait_ms)
{
  struct ledger_row rows[] = {*row, *row};
  enum ox_venue_result results[2];
  rows[0].tx_hash[0] = 'u';
  ledger_submit_batch(ledger, rows, 2, wait_ms, results);
  return results[1];
}

/* Every third call has little time to wait, or none; every second hash is sent by all threads. */
static void *trade(void *arg)
{
  int self = *(const int *)arg;
  for (int i = 0; i < ROUNDS; i++) {
    struct ledger_row row = {.order_id = "ord_x",
                             .venue = "raydium",
                             .token_in = "SOL",
                             .token_out = "USDC",
                             .in_amount = 1,
                             .out_amount = 2,
                             .expires_at_ms = ledger_now_ms(ledger) + 600000,
                             .landed = true};
    snprintf(row.tx_hash, sizeof row.tx_hash, "t%llx-%d-%d", (unsigned long long)started_ms,
             i % 2 ? self : 0, i);
    struct ox_landing landing = {.size = sizeof landing, .state = OX_LANDING_LANDED};
    int64_t wait_ms = i % 3 ? WAIT_MS : i % 12;
    enum ox_venue_result result;
    if (i % 4)
      result = ledger_submit(ledger, &row, wait_ms);
    else
      result = submit_with_another(&row, wait_ms);
    if (result == OX_VENUE_OK) result = ledger_lookup(ledger, row.tx_hash, WAIT_MS, 0, &landing);
    count(result, landing.state);
  }
  return NULL;
}

static void end_backends(PGconn *sql)
{
  PQclear(PQexec(sql,
                 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name = 'ox sim ledger' AND datname = current_database()"));
}

int main(void)
{
  static struct ox_config config = {.size = sizeof config, .now_ms = now_ms, .log = say};
  const char *url = getenv("DATABASE_URL");
  if (!url) {
    fprintf(stderr, "DATABASE_URL has to name a PostgreSQL\n");
    return 2;
  }
  started_ms = now_ms();
  ledger = ledger_create(&config, url);
  PGconn *sql = PQconnectdb(url);
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, trade, &numbers[i]);
  }
  for (int seen = 0; seen < THREADS * ROUNDS / 2;) {
    int ended = atomic_load(&landed) + atomic_load(&unknown) + atomic_load(&wrong);
    sched_yield();
    if (ended - seen < THREADS * ROUNDS / 10) continue;
    end_backends(sql);
    seen = ended;
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  ledger_destroy(ledger);
  PQfinish(sql);
  printf("%d landed, %d unknown, %d wrong\n", landed, unknown, wrong);
  return wrong > 0 || landed < THREADS * ROUNDS / 2;
}
