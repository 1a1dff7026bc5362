/*
 * sim_fault_test.c - what each kind of fault does to the simulated venues, with ledger and board in
 * a real PostgreSQL (DATABASE_URL).
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "executors/sim.h"
#include "executors/sim_venue.h"
#include "own_database.h"

enum { WAIT_MS = 5000, DEADLINE_MS = 600, LATE_MS = 120 };

static void *raydium, *meteora;
static uint64_t nonces;

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  if (strcmp(key, "SIM_SEED") == 0) return "7";
  if (strcmp(key, "QUOTE_DELAY_MS") == 0) return "0";
  if (strcmp(key, "SWAP_DELAY_MS") == 0) return "50";
  if (strcmp(key, "SIM_TX_SLACK_MS") == 0) return "2000";
  if (strcmp(key, "SIM_LATE_LANDING_MS") == 0) return "120";
  if (strcmp(key, "SIM_LOOKUP_LAG_MS") == 0) return "150";
  return strcmp(key, "DATABASE_URL") == 0 ? database_url : NULL;
}

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

static const struct ox_config config = {
    .size = sizeof config, .dir = "executors", .get = get, .now_ms = now_ms, .log = say};

static void open_sim(void)
{
  char error[256] = "";
  cr_assert(sim_open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  cr_assert(sim_raydium.open(&config, &raydium, error, sizeof error) == OX_VENUE_OK);
  cr_assert(sim_meteora.open(&config, &meteora, error, sizeof error) == OX_VENUE_OK);
  nonces = (uint64_t)now_ms() << 20;
}

static void setup(void)
{
  database_create("sim_fault_test");
  open_sim();
}

static void teardown(void)
{
  sim_close();
  database_drop();
}

TestSuite(sim_fault, .init = setup, .fini = teardown, .timeout = 60);

static void put_faults(const char *text)
{
  struct ox_errors none = {.size = sizeof none};
  json_t *body = json_loads(text, 0, NULL);
  cr_assert(board_change(sim_shared()->board, SCENARIO_FAULTS, body, &none) == BOARD_OK);
  json_decref(body);
}

/* Puts one fault of raydium in place; more: other members, each with a comma before it. */
static void fault(const char *kind, const char *more)
{
  char text[256];
  snprintf(text, sizeof text, "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"%s\"%s}]}", kind,
           more);
  put_faults(text);
}

static void heal(void)
{
  put_faults("{\"faults\":[]}");
}

static struct ox_swap swap_of(const char *key)
{
  return (struct ox_swap){.size = sizeof(struct ox_swap),
                          .attempt = 1,
                          .order_id = "ord_sim_fault",
                          .draw_key = key,
                          .token_in = "SOL",
                          .token_out = "USDC",
                          .in_amount = 1500000000,
                          .slippage_bps = 100};
}

static struct ox_quote ask(const struct ox_venue *venue, void *self)
{
  struct ox_swap swap = swap_of("k");
  struct ox_quote quote = {.size = sizeof quote};
  quote.result = venue->quote(self, &swap, now_ms() + DEADLINE_MS, &quote);
  return quote;
}

static struct ox_tx build(const char *key)
{
  struct ox_swap swap = swap_of(key);
  struct ox_tx tx = {.size = sizeof tx};
  cr_assert(sim_raydium.build(raydium, &swap, nonces++, &tx) == OX_VENUE_OK);
  return tx;
}

static enum ox_venue_result send(const struct ox_tx *tx)
{
  return sim_raydium.submit(raydium, tx, now_ms() + DEADLINE_MS);
}

static struct ox_landing look(const struct ox_tx *tx)
{
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(sim_raydium.lookup(raydium, tx->tx_hash, now_ms() + WAIT_MS, &landing) == OX_VENUE_OK);
  return landing;
}

static struct ox_landing end_of(const struct ox_tx *tx)
{
  struct ox_landing landing;
  do landing = look(tx);
  while (landing.state == OX_LANDING_PENDING);
  return landing;
}

static int send_both(const struct ox_tx *a, const struct ox_tx *b, enum ox_venue_result *results)
{
  struct ox_batch_item items[] = {{.self = raydium, .tx = a}, {.self = raydium, .tx = b}};
  int taken = sim_raydium.submit_batch(items, 2, now_ms() + WAIT_MS);
  for (int i = 0; i < 2; i++) results[i] = items[i].result;
  return taken;
}

/* ── quotes ──────────────────────────────────────────────────────────────────────────────────── */

Test(sim_fault, what_is_refused_is_refused_at_once)
{
  static const struct {
    const char *kind;
    enum ox_venue_result result;
  } all[] = {{"no_liquidity", OX_VENUE_NO_LIQUIDITY},
             {"rate_limited", OX_VENUE_RATE_LIMITED},
             {"halted", OX_VENUE_UNAVAILABLE}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int64_t began = now_ms();
    fault(all[i].kind, "");
    cr_assert(ask(&sim_raydium, raydium).result == all[i].result, "%s", all[i].kind);
    cr_assert(ask(&sim_meteora, meteora).result == OX_VENUE_OK, "the other one is well");
    cr_assert(now_ms() - began < WAIT_MS);
  }
}

Test(sim_fault, a_quote_without_an_answer_takes_until_its_deadline)
{
  cr_assert(!sim_raydium.quote_waits(raydium), "it answers from memory");
  fault("quote_timeout", "");
  cr_assert(sim_raydium.quote_waits(raydium));
  int64_t began = now_ms();
  cr_assert(ask(&sim_raydium, raydium).result == OX_VENUE_TIMEOUT);
  cr_assert(now_ms() - began >= DEADLINE_MS - 1 && now_ms() - began < WAIT_MS);
}

Test(sim_fault, a_stale_quote_is_better_and_over)
{
  struct ox_quote fresh = ask(&sim_raydium, raydium);
  cr_assert(fresh.expires_at_ms > fresh.as_of_ms && fresh.as_of_ms > 0);
  fault("stale_quote", "");
  struct ox_quote stale = ask(&sim_raydium, raydium);
  cr_assert(stale.result == OX_VENUE_OK && stale.out_amount > fresh.out_amount);
  cr_assert(stale.as_of_ms >= fresh.as_of_ms && stale.expires_at_ms < stale.as_of_ms);
}

/* ── transactions ────────────────────────────────────────────────────────────────────────────── */

Test(sim_fault, lost_before_landing_leaves_no_trace)
{
  struct ox_tx tx = build("lost");
  fault("lost_before_landing", ",\"nth\":1");
  int64_t began = now_ms();
  cr_assert(send(&tx) == OX_VENUE_TIMEOUT && now_ms() - began >= DEADLINE_MS - 1);
  cr_assert(look(&tx).state == OX_LANDING_ABSENT);
  cr_assert(send(&tx) == OX_VENUE_OK, "the same bytes again");
  cr_assert(end_of(&tx).state == OX_LANDING_LANDED);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger", NULL) == 1);
}

Test(sim_fault, ack_lost_after_landing_has_landed_when_nobody_hears_of_it)
{
  struct ox_tx tx = build("ack");
  fault("ack_lost_after_landing", "");
  cr_assert(send(&tx) == OX_VENUE_TIMEOUT);
  cr_assert(look(&tx).state == OX_LANDING_LANDED);
  cr_assert(send(&tx) == OX_VENUE_TIMEOUT, "drawn for the attempt: it is lost each time");
  cr_assert(number_of("SELECT count(*) FROM sim.ledger WHERE landed", NULL) == 1);
}

Test(sim_fault, together_each_has_its_own_answer)
{
  struct ox_tx good = build("good"), forged = build("forged");
  enum ox_venue_result results[2];
  forged.bytes[forged.n_bytes - 1] ^= 1;
  cr_assert(send_both(&good, &forged, results));
  cr_assert(results[0] == OX_VENUE_OK && results[1] == OX_VENUE_REJECTED);
  cr_assert(send_both(&forged, &good, results), "the same once more");
  cr_assert(results[0] == OX_VENUE_REJECTED && results[1] == OX_VENUE_OK);
  cr_assert(end_of(&good).state == OX_LANDING_LANDED);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger", NULL) == 1);
}

Test(sim_fault, several_venues_together)
{
  struct ox_swap swap = swap_of("other");
  struct ox_tx of_raydium = build("one"), of_meteora = {.size = sizeof of_meteora};
  cr_assert(sim_meteora.build(meteora, &swap, nonces++, &of_meteora) == OX_VENUE_OK);
  struct ox_batch_item items[] = {{.self = meteora, .tx = &of_meteora},
                                  {.self = raydium, .tx = &of_raydium},
                                  {.self = raydium, .tx = &of_meteora}};
  cr_assert(sim_meteora.submit_batch == sim_raydium.submit_batch);
  cr_assert(sim_meteora.submit_batch(items, 3, now_ms() + WAIT_MS));
  cr_assert(items[0].result == OX_VENUE_OK && items[1].result == OX_VENUE_OK);
  cr_assert(items[2].result == OX_VENUE_REJECTED, "not built by that venue");
  cr_assert(end_of(&of_meteora).state == OX_LANDING_LANDED);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger WHERE venue = $1", "meteora") == 1);
  cr_assert(number_of("SELECT count(*) FROM sim.ledger", NULL) == 2);
}

Test(sim_fault, with_faults_none_is_sent_together)
{
  struct ox_tx a = build("a"), b = build("b");
  enum ox_venue_result results[2];
  fault("ack_lost_after_landing", "");
  cr_assert_not(send_both(&a, &b, results));
  cr_assert(look(&a).state == OX_LANDING_ABSENT && look(&b).state == OX_LANDING_ABSENT);
  heal();
  cr_assert(send_both(&a, &b, results));
  cr_assert(results[0] == OX_VENUE_OK && results[1] == OX_VENUE_OK);
}

Test(sim_fault, late_landing_is_after_the_expiry_and_not_beyond_its_bound)
{
  fault("late_landing", "");
  for (int i = 0; i < 3; i++) {
    char key[16];
    snprintf(key, sizeof key, "late%d", i);
    struct ox_tx tx = build(key);
    cr_assert(send(&tx) == OX_VENUE_OK);
    cr_assert(look(&tx).state == OX_LANDING_PENDING);
    struct ox_landing landing = end_of(&tx);
    cr_assert(landing.state == OX_LANDING_LANDED);
    cr_assert(landing.landed_at_ms > tx.expires_at_ms);
    cr_assert(landing.landed_at_ms <= tx.expires_at_ms + LATE_MS);
  }
}

Test(sim_fault, expired_is_dead_when_it_arrives)
{
  fault("expired", "");
  struct ox_tx tx = build("expired");
  cr_assert(send(&tx) == OX_VENUE_REJECTED);
  struct ox_landing landing = look(&tx);
  cr_assert(landing.state == OX_LANDING_ABSENT && landing.as_of_ms > tx.expires_at_ms);
}

Test(sim_fault, rate_limited_sends_nothing)
{
  struct ox_tx tx = build("limited");
  fault("rate_limited", ",\"nth\":1");
  cr_assert(send(&tx) == OX_VENUE_RATE_LIMITED && look(&tx).state == OX_LANDING_ABSENT);
  cr_assert(send(&tx) == OX_VENUE_OK);
}

Test(sim_fault, halted_answers_nothing_at_all)
{
  struct ox_tx tx = build("halted"), sent = build("sent");
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(send(&sent) == OX_VENUE_OK);
  fault("halted", "");
  cr_assert(send(&tx) == OX_VENUE_UNAVAILABLE);
  cr_assert(sim_raydium.lookup(raydium, sent.tx_hash, now_ms() + WAIT_MS, &landing) ==
            OX_VENUE_UNAVAILABLE);
  heal();
  cr_assert(end_of(&sent).state == OX_LANDING_LANDED);
  cr_assert(look(&tx).state == OX_LANDING_ABSENT);
}

/* It is behind, and says as of when: so what it does not see yet proves nothing. */
Test(sim_fault, a_lagging_look_up_never_lies)
{
  struct ox_tx tx = build("lag");
  cr_assert(send(&tx) == OX_VENUE_OK);
  fault("lookup_lagging", "");
  int seen[4] = {0};
  struct ox_landing landing;
  do {
    landing = look(&tx);
    seen[landing.state]++;
    cr_assert(landing.state != OX_LANDING_ABSENT || landing.as_of_ms <= tx.expires_at_ms);
  } while (landing.state != OX_LANDING_LANDED);
  cr_assert(seen[OX_LANDING_ABSENT] > 0 && seen[OX_LANDING_PENDING] > 0);
}

/* ── a crash ─────────────────────────────────────────────────────────────────────────────────── */

/* Another process, killed at point while it sends or, with SENT, after that. */
static int crash_at(const char *point, const struct ox_tx *tx)
{
  char more[64];
  int status;
  snprintf(more, sizeof more, ",\"point\":\"%s\"", point);
  fault("crash", more);
  sim_close();
  pid_t child = fork();
  if (child == 0) {
    open_sim();
    struct ox_landing landing = {.size = sizeof landing};
    if (strcmp(point, "quote") == 0) ask(&sim_raydium, raydium);
    if (strcmp(point, "lookup") == 0)
      sim_raydium.lookup(raydium, tx->tx_hash, now_ms() + WAIT_MS, &landing);
    send(tx);
    _exit(0);
  }
  cr_assert(waitpid(child, &status, 0) == child);
  open_sim();
  heal();
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

Test(sim_fault, a_crash_ends_the_process_at_its_point)
{
  struct ox_tx tx = build("crash");
  cr_assert(crash_at("quote", &tx) == SIGKILL && look(&tx).state == OX_LANDING_ABSENT);
  cr_assert(crash_at("lookup", &tx) == SIGKILL && look(&tx).state == OX_LANDING_ABSENT);
  cr_assert(crash_at("submit", &tx) == SIGKILL && look(&tx).state == OX_LANDING_ABSENT);
}

Test(sim_fault, a_crash_once_it_is_sent_has_landed)
{
  struct ox_tx tx = build("crash sent");
  cr_assert(crash_at("sent", &tx) == SIGKILL);
  cr_assert(end_of(&tx).state == OX_LANDING_LANDED);
}

/* ── who is struck, and that a run can be repeated ───────────────────────────────────────────── */

Test(sim_fault, the_same_seed_strikes_the_same)
{
  bool struck[40];
  int n = 0;
  for (int again = 0; again < 2; again++) {
    fault("expired", ",\"probability\":0.5");
    for (int i = 0; i < 40; i++) {
      char key[16];
      snprintf(key, sizeof key, "order%d", i);
      struct ox_tx tx = build(key);
      bool expired = tx.expires_at_ms < now_ms() + WAIT_MS && send(&tx) == OX_VENUE_REJECTED;
      cr_assert(again == 0 || struck[i] == expired);
      struck[i] = expired;
      n += expired;
    }
    sim_close();
    open_sim();
  }
  cr_assert(n > 20 && n < 60, "%d of 80", n);
}
