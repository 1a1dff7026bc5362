/*
 * key.c - the table of configuration keys, and text to value. Read once, before threads start.
 */
#include "config/key.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "config/check.h"

static const char *const words_role[] = {"all", "api", "worker", NULL};
static const char *const words_switch[] = {"false", "true", NULL};
static const char *const words_auth[] = {"off", "required", NULL};
static const char *const words_profile[] = {"seed", "realistic", NULL};
static const char *const words_level[] = {"debug", "info", "warn", "error", NULL};
static const char *const words_off[] = {"off", NULL};

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, WEEK_MS = 7 * DAY_MS, YEAR_S = 365 * 86400 };

#define AT(member) .offset = offsetof(struct config, member)

/* clang-format off */
const struct key key_table[] = {
  /* serving */
  {"HOST", KEY_TEXT, AT(host), .initial = "127.0.0.1", .check = check_host,
   .expected = "an IPv4 or IPv6 address, or localhost", .help = "address to listen on"},
  {"PORT", KEY_INT, AT(port), .initial = "3000", .max = 65535,
   .help = "port to listen on; 0 takes a free one"},
  {"WORKER_PORT", KEY_INT, AT(worker_port), .initial = "0", .max = 65535, .words = words_off,
   .help = "port for health and metrics of a worker process"},
  {"ROLE", KEY_CHOICE, AT(role), .initial = "all", .words = words_role, .flag_only = true,
   .help = "what this process does"},
  {"INSECURE", KEY_BOOL, AT(insecure), .initial = "false", .words = words_switch,
   .flag_only = true, .help = "listen beyond this machine with AUTH=off"},
  {"NO_MIGRATE", KEY_BOOL, AT(no_migrate), .initial = "false", .words = words_switch,
   .flag_only = true, .help = "leave the database schema alone at the start"},
  {"CORS_ORIGINS", KEY_TEXT, AT(cors_origins), .initial = "", .check = check_origins,
   .expected = "a list of origins such as https://desk.example:8443",
   .help = "origins of browsers that may call, or open a WebSocket"},
  {"TRUST_PROXY", KEY_TEXT, AT(trust_proxy), .initial = "", .check = check_addresses,
   .expected = "a list of IP addresses", .help = "addresses whose X-Forwarded-For is believed"},
  {"HTTP_RATE_LIMIT", KEY_INT, AT(http_rate_limit), .initial = "0", .max = 1000000,
   .words = words_off, .help = "requests a second of each client, or address, at one process; 0: no limit"},
  {"HTTP_MAX_PER_ADDRESS", KEY_INT, AT(http_max_per_address), .initial = "0", .max = 1000000,
   .words = words_off, .help = "connections of one address, its WebSockets and streams among them; 0: no limit"},
  {"HTTP_MAX_CONNECTIONS", KEY_INT, AT(http_max_connections), .initial = "20000", .min = 1,
   .max = 1000000, .help = "connections in all; fewer where the limit of open files is low"},
  /* stores */
  {"DATABASE_URL", KEY_TEXT, KEY_URL, AT(database_url),
   .initial = "postgresql://127.0.0.1:5432/ox", .check = check_postgres,
   .expected = "postgresql://user:password@host:port/database", .help = "PostgreSQL"},
  {"REDIS_URL", KEY_TEXT, KEY_URL, AT(redis_url), .initial = "redis://127.0.0.1:6379/0",
   .check = check_redis, .expected = "redis://user:password@host:port/db or unix://user:password@/path",
   .help = "Redis or Valkey"},
  {"REDIS_KEY_PREFIX", KEY_TEXT, AT(redis_key_prefix), .initial = "ox", .check = check_prefix,
   .expected = "1 to 32 of A-Z a-z 0-9 _ . -", .help = "begins every key in Redis"},
  /* queue */
  {"QUEUE_CONCURRENCY", KEY_INT, AT(queue_concurrency), .initial = "10", .min = 1, .max = 1000,
   .help = "orders that a worker process runs at once"},
  {"QUEUE_RATE_LIMIT", KEY_INT, AT(queue_rate_limit), .initial = "100", .max = 1000000,
   .words = words_off, .help = "orders started in any window, by all processes; 0: no limit"},
  {"QUEUE_RATE_WINDOW_MS", KEY_INT, AT(queue_rate_window_ms), .initial = "60000", .min = 1,
   .max = DAY_MS, .help = "length of that window"},
  {"QUEUE_ATTEMPTS", KEY_INT, AT(queue_attempts), .initial = "3", .min = 1, .max = 100,
   .help = "executions of an order before it fails for good"},
  {"QUEUE_BACKOFF_MS", KEY_INT, AT(queue_backoff_ms), .initial = "1000", .max = HOUR_MS,
   .help = "wait before the second attempt; doubles with each"},
  {"QUEUE_LEASE_MS", KEY_INT, AT(queue_lease_ms), .initial = "10000", .min = 100, .max = HOUR_MS,
   .help = "after this long without a beat a worker process counts as dead"},
  {"QUEUE_MAX", KEY_INT, AT(queue_max), .initial = "10000000", .min = 1, .max = 1000000000,
   .help = "orders waiting at most; beyond: 503"},
  {"QUEUE_MAX_TAKEOVERS", KEY_INT, AT(queue_max_takeovers), .initial = "20", .min = 1,
   .max = 10000, .help = "take-overs of an order from dead workers before it fails"},
  {"JOB_DEADLINE_MS", KEY_INT, AT(job_deadline_ms), .initial = "120000", .min = 100,
   .max = DAY_MS, .help = "a job that runs longer is cancelled"},
  {"PARK_RECHECK_MS", KEY_INT, AT(park_recheck_ms), .initial = "21600000", .min = 1000,
   .max = WEEK_MS, .help = "a waiting limit or sniper order is looked at again by then; each look is a start"},
  {"BATCH_SIZE", KEY_INT, AT(batch_size), .initial = "100", .min = 1, .max = 1000,
   .help = "orders of a batch that are read in one go and counted together"},
  {"IDEMPOTENCY_TTL_S", KEY_INT, AT(idempotency_ttl_s), .initial = "86400", .min = 1,
   .max = YEAR_S, .help = "how long an Idempotency-Key is remembered"},
  {"CACHE_TTL_S", KEY_INT, AT(cache_ttl_s), .initial = "300", .max = 86400, .words = words_off,
   .help = "life of a cached order; 0: no cache"},
  {"CACHE_LIST_TTL_S", KEY_INT, AT(cache_list_ttl_s), .initial = "2", .max = 3600,
   .words = words_off, .help = "life of a cached list of orders; 0: no cache"},
  {"CACHE_MAX_MIB", KEY_INT, AT(cache_max_mib), .initial = "32", .min = 1, .max = 256,
   .help = "memory for cached answers, in each process"},
  /* execution */
  {"EXECUTOR_DIR", KEY_TEXT, AT(executor_dir), .initial = "",
   .help = "where executors and venues are; empty: plugins beside the binary"},
  {"ENDPOINT_THREADS", KEY_INT, AT(endpoint_threads), .initial = "4", .min = 1, .max = 256,
   .help = "requests to the plugins' own endpoints that run at once"},
  {"ENDPOINT_DEADLINE_MS", KEY_INT, AT(endpoint_deadline_ms), .initial = "5000", .min = 1,
   .max = HOUR_MS, .help = "how long such a request may take"},
  {"QUOTE_DELAY_MS", KEY_DELAY, AT(quote_delay_ms), .initial = "200", .max = HOUR_MS,
   .help = "how long a mock venue takes to quote"},
  {"SWAP_DELAY_MS", KEY_DELAY, AT(swap_delay_ms), .initial = "2000-3000", .max = HOUR_MS,
   .help = "how long a swap at a mock venue takes to land"},
  {"DELIVERY_DELAY_MS", KEY_DELAY, AT(delivery_delay_ms), .initial = "1000", .max = HOUR_MS,
   .help = "how long each step of a delivery takes"},
  {"ROUTER_LEG_COST_BPS", KEY_INT, AT(router_leg_cost_bps), .initial = "1", .max = 10000,
   .help = "what another leg of a split costs, in 1/10000 of the output: it has to gain more"},
  {"VENUE_DEADLINE_MS", KEY_INT, AT(venue_deadline_ms), .initial = "500", .min = 1,
   .max = HOUR_MS, .help = "how long a venue has to quote or to acknowledge"},
  {"VENUE_RETRY_PERCENT", KEY_INT, AT(venue_retry_percent), .initial = "10", .max = 100,
   .words = words_off, .help = "quotes that may be asked for once more, of a hundred"},
  {"BREAKER_FAILURES", KEY_INT, AT(breaker_failures), .initial = "5", .min = 1, .max = 100,
   .help = "calls of a venue that fail in a row before it is let be"},
  {"BREAKER_WINDOW_MS", KEY_INT, AT(breaker_window_ms), .initial = "10000", .min = 1,
   .max = DAY_MS, .help = "within what time they have to"},
  {"BREAKER_OPEN_MS", KEY_INT, AT(breaker_open_ms), .initial = "2000", .min = 1, .max = HOUR_MS,
   .help = "how long it is let be before one quote probes it"},
  {"LIMIT_MARGIN_BPS", KEY_INT, AT(limit_margin_bps), .initial = "300", .max = 5000,
   .help = "how far venues may beat the mid price: so far from its limit an order is looked at"},
  {"SIM_SEED", KEY_SEED, AT(sim_seed), .initial = "0",
   .help = "seed of the mock venues; 0: a new one at each start"},
  {"SIM_PROFILE", KEY_WORD, AT(sim_profile), .initial = "seed", .words = words_profile,
   .help = "how the mock venues behave"},
  {"SIM_SLOT_MS", KEY_INT, AT(sim_slot_ms), .initial = "400", .min = 1, .max = 600000,
   .help = "how long a slot is, in profile realistic"},
  {"SIM_TX_SLACK_MS", KEY_INT, AT(sim_tx_slack_ms), .initial = "2000", .max = HOUR_MS,
   .help = "how much longer than its longest swap a mock venue's transaction lives"},
  {"SIM_LATE_LANDING_MS", KEY_INT, AT(sim_late_landing_ms), .initial = "300", .min = 1,
   .max = HOUR_MS, .help = "how long after its expiry a late transaction lands (a fault)"},
  {"SIM_LOOKUP_LAG_MS", KEY_INT, AT(sim_lookup_lag_ms), .initial = "300", .min = 1,
   .max = HOUR_MS, .help = "how far a lagging look-up is behind (a fault)"},
  /* auth */
  {"AUTH", KEY_BOOL, AT(auth_required), .initial = "off", .words = words_auth,
   .help = "whether calls need a bearer token"},
  {"JWT_SECRET", KEY_TEXT, KEY_SECRET, AT(jwt_secret), .initial = "", .check = check_secret,
   .expected = "at least 32 bytes", .help = "signs tokens (HS256)"},
  {"JWT_ISSUER", KEY_TEXT, AT(jwt_issuer), .initial = "ox", .help = "iss of tokens"},
  {"JWT_AUDIENCE", KEY_TEXT, AT(jwt_audience), .initial = "ox", .help = "aud of tokens"},
  {"JWT_TTL_S", KEY_INT, AT(jwt_ttl_s), .initial = "3600", .min = 1, .max = YEAR_S,
   .help = "life of a token"},
  /* operation */
  {"LOG_LEVEL", KEY_CHOICE, AT(log_level), .initial = "info", .words = words_level,
   .help = "the least that is logged"},
  {"DRAIN_TIMEOUT_MS", KEY_INT, AT(drain_timeout_ms), .initial = "25000", .max = HOUR_MS,
   .help = "how long SIGTERM waits for running orders"},
};
/* clang-format on */

const size_t key_count = sizeof key_table / sizeof key_table[0];

const struct key *key_find(const char *name)
{
  for (size_t i = 0; i < key_count; i++) {
    const struct key *k = &key_table[i];
    size_t len = strlen(k->name);
    if (strncmp(k->name, name, len) != 0) continue;
    if (name[len] == '\0') return k;
    if (k->secrecy != KEY_OPEN && strcmp(name + len, "_FILE") == 0) return k;
  }
  return NULL;
}

void key_flag(const struct key *k, char out[KEY_FLAG_MAX])
{
  size_t len = strlen(k->name);
  assert(len + 3 <= KEY_FLAG_MAX);
  memcpy(out, "--", 2);
  for (size_t i = 0; i <= len; i++)
    out[i + 2] = (char)(k->name[i] == '_' ? '-' : tolower((unsigned char)k->name[i]));
}

bool key_is_switch(const struct key *k)
{
  return k->kind == KEY_BOOL && k->flag_only;
}

/* ── text to value ───────────────────────────────────────────────────────────────────────────── */

static bool parse_digits(const char *text, size_t len, uint64_t *out)
{
  uint64_t value = 0;
  if (len == 0) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    if (__builtin_mul_overflow(value, 10u, &value) ||
        __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
      return false;
  }
  *out = value;
  return true;
}

static bool parse_within(const struct key *k, const char *text, size_t len, int64_t *out)
{
  uint64_t value;
  if (!parse_digits(text, len, &value)) return false;
  if (value > (uint64_t)k->max || value < (uint64_t)k->min) return false;
  *out = (int64_t)value;
  return true;
}

static bool parse_delay(const struct key *k, const char *text, struct config_range_ms *out)
{
  struct config_range_ms range;
  size_t len = strcspn(text, "-");
  if (!parse_within(k, text, len, &range.min)) return false;
  range.max = range.min;
  if (text[len] && !parse_within(k, text + len + 1, strlen(text + len + 1), &range.max))
    return false;
  if (range.min > range.max) return false;
  *out = range;
  return true;
}

static int word_index(const struct key *k, const char *text)
{
  for (int i = 0; k->words && k->words[i]; i++)
    if (strcmp(k->words[i], text) == 0) return i;
  return -1;
}

bool key_parse(const struct key *k, char *text, struct config *c)
{
  void *member = (char *)c + k->offset;
  int word = word_index(k, text);
  switch (k->kind) {
  case KEY_TEXT:
    *(char **)member = text;
    return !*text || !k->check || k->check(text);
  case KEY_WORD:
    *(char **)member = text;
    return word >= 0;
  case KEY_CHOICE:
    if (word >= 0) memcpy(member, &word, sizeof word);
    return word >= 0;
  case KEY_BOOL:
    if (word >= 0) *(bool *)member = word == 1;
    return word >= 0;
  case KEY_INT:
    if (word == 0) *(int64_t *)member = 0;
    return word == 0 || parse_within(k, text, strlen(text), member);
  case KEY_DELAY:
    return parse_delay(k, text, member);
  case KEY_SEED:
    return parse_digits(text, strlen(text), member);
  }
  return false;
}

_Static_assert(sizeof(enum config_role) == sizeof(int), "KEY_CHOICE writes an int");
_Static_assert(sizeof(enum log_level) == sizeof(int), "KEY_CHOICE writes an int");

/* ── text for people ─────────────────────────────────────────────────────────────────────────── */

static void put_words(const struct key *k, struct buf *out)
{
  for (int i = 0; k->words[i]; i++) {
    if (i > 0) buf_append_str(out, k->words[i + 1] ? ", " : " or ");
    buf_append_str(out, k->words[i]);
  }
}

void key_expected(const struct key *k, struct buf *out)
{
  switch (k->kind) {
  case KEY_TEXT:
    buf_append_str(out, k->expected ? k->expected : "a text");
    break;
  case KEY_WORD:
  case KEY_CHOICE:
  case KEY_BOOL:
    put_words(k, out);
    break;
  case KEY_INT:
    buf_appendf(out, "a whole number from %lld to %lld%s", (long long)k->min, (long long)k->max,
                k->words ? ", or off" : "");
    break;
  case KEY_DELAY:
    buf_appendf(out, "N or MIN-MAX milliseconds, up to %lld", (long long)k->max);
    break;
  case KEY_SEED:
    buf_append_str(out, "a whole number below 2^64");
    break;
  }
}

/* The password of a URL is between the first colon after "://" and the last "@": one that was not
 * percent-encoded may itself hold any of "/?#@". */
static void show_url(const char *text, struct buf *out)
{
  const char *rest = strstr(text, "://");
  if (!rest || strcasestr(rest, "password")) { /* libpq's other ways to give one */
    buf_append_str(out, "***");
    return;
  }
  rest += 3;
  const char *at = strrchr(rest, '@'), *colon = strchr(rest, ':');
  if (at && colon && colon < at) {
    buf_append(out, text, (size_t)(colon + 1 - text));
    buf_append_str(out, "***");
    text = at;
  }
  buf_append_str(out, text);
}

void key_show(const struct key *k, const char *text, struct buf *out)
{
  if (!*text || k->secrecy == KEY_OPEN)
    buf_append_str(out, text);
  else if (k->secrecy == KEY_URL)
    show_url(text, out);
  else
    buf_append_str(out, "***");
}
