/*
 * moody.c - two venues that are as PUT /test/moods {"east":"away"} says: well; away (nobody
 * answers); deaf (quotes never come back); mute (what is submitted lands, but the answer is lost);
 * slow (whoever looks for a transaction is told when it is slow no more); shy (no two at a time).
 * What lands is kept in memory: one process. Built as any plugin, from include/ox/ alone.
 */
#include <ox/executor.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum mood { WELL, AWAY, DEAF, MUTE, SLOW, SHY, MOODS };
enum { LANDED_MAX = 1024, LIFE_MS = 60000 };

struct venue {
  const char *name;
  uint64_t out; /* for any amount */
  _Atomic int mood;
  pthread_mutex_t lock;
  char landed[LANDED_MAX][OX_TX_HASH_MAX];
  size_t n_landed;
  size_t n_together; /* of them: in a batch */
};

static struct venue east = {.name = "east", .out = 2000000, .lock = PTHREAD_MUTEX_INITIALIZER};
static struct venue west = {.name = "west", .out = 1000000, .lock = PTHREAD_MUTEX_INITIALIZER};
static const struct ox_config *config;

static enum ox_venue_result open_east(const struct ox_config *c, void **self, char *error,
                                      size_t error_len)
{
  (void)error, (void)error_len;
  config = c;
  *self = &east;
  return OX_VENUE_OK;
}

static enum ox_venue_result open_west(const struct ox_config *c, void **self, char *error,
                                      size_t error_len)
{
  (void)c, (void)error, (void)error_len;
  *self = &west;
  return OX_VENUE_OK;
}

static void close_venue(void *self)
{
  (void)self;
}

static enum ox_venue_result quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                                  struct ox_quote *out)
{
  struct venue *v = self;
  (void)deadline_ms;
  if (atomic_load(&v->mood) == AWAY) return OX_VENUE_UNAVAILABLE;
  while (atomic_load(&v->mood) == DEAF) poll(NULL, 0, 5);
  snprintf(out->pool, sizeof out->pool, "%s", "pool");
  out->in_amount = swap->in_amount;
  out->out_amount = out->min_out_amount = v->out;
  return OX_VENUE_OK;
}

static enum ox_venue_result build(void *self, const struct ox_swap *swap, uint64_t nonce,
                                  struct ox_tx *tx)
{
  const struct venue *v = self;
  int len = snprintf(tx->tx_hash, sizeof tx->tx_hash, "%s-%s-%llx", v->name, swap->order_id,
                     (unsigned long long)nonce);
  memcpy(tx->bytes, tx->tx_hash, (size_t)len);
  tx->n_bytes = (uint32_t)len;
  tx->expires_at_ms = config->now_ms() + LIFE_MS;
  return OX_VENUE_OK;
}

static int find(const struct venue *v, const char *tx_hash)
{
  for (size_t i = 0; i < v->n_landed; i++)
    if (strcmp(v->landed[i], tx_hash) == 0) return 1;
  return 0;
}

static enum ox_venue_result submit(void *self, const struct ox_tx *tx, int64_t deadline_ms)
{
  struct venue *v = self;
  (void)deadline_ms;
  if (atomic_load(&v->mood) == AWAY) return OX_VENUE_UNAVAILABLE;
  pthread_mutex_lock(&v->lock);
  if (!find(v, tx->tx_hash) && v->n_landed < LANDED_MAX)
    memcpy(v->landed[v->n_landed++], tx->tx_hash, sizeof tx->tx_hash);
  pthread_mutex_unlock(&v->lock);
  return atomic_load(&v->mood) == MUTE ? OX_VENUE_TIMEOUT : OX_VENUE_OK;
}

static int submit_batch(struct ox_batch_item *items, size_t n, int64_t deadline_ms)
{
  if (atomic_load(&east.mood) == SHY || atomic_load(&west.mood) == SHY) return 0;
  for (size_t i = 0; i < n; i++) {
    struct venue *v = items[i].self;
    items[i].result = submit(v, items[i].tx, deadline_ms);
    pthread_mutex_lock(&v->lock);
    v->n_together++;
    pthread_mutex_unlock(&v->lock);
  }
  return 1;
}

/* Who is mute cannot be asked either. */
static enum ox_venue_result lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                   struct ox_landing *landing)
{
  struct venue *v = self;
  int mood;
  (void)deadline_ms;
  while ((mood = atomic_load(&v->mood)) == SLOW) poll(NULL, 0, 5);
  if (mood == AWAY || mood == MUTE) return OX_VENUE_UNAVAILABLE;
  pthread_mutex_lock(&v->lock);
  landing->state = find(v, tx_hash) ? OX_LANDING_LANDED : OX_LANDING_ABSENT;
  pthread_mutex_unlock(&v->lock);
  landing->in_amount = 1;
  landing->out_amount = v->out;
  landing->as_of_ms = landing->landed_at_ms = config->now_ms();
  return OX_VENUE_OK;
}

#define VENUE(name_, open_)                                                                        \
  {                                                                                                \
    .size = sizeof(struct ox_venue), .name = name_, .submit_class = OX_SUBMIT_DEDUP_BY_KEY,        \
    .open = open_, .quote = quote, .build = build, .submit = submit, .lookup = lookup,             \
    .close = close_venue, .submit_batch = submit_batch                                             \
  }
static const struct ox_venue venue_east = VENUE("east", open_east);
static const struct ox_venue venue_west = VENUE("west", open_west);

/* ── what the test says and asks ────────────────────────────────────────────────────────────── */

static void set_mood(const struct ox_request *request, struct venue *v, struct ox_errors *errors)
{
  static const char *const words[MOODS] = {"well", "away", "deaf", "mute", "slow", "shy"};
  const struct ox_field *f = ox_request_field(request, v->name);
  for (int mood = 0; f && mood < MOODS; mood++) {
    if (strcmp(f->text, words[mood]) != 0) continue;
    atomic_store(&v->mood, mood);
    return;
  }
  if (f)
    errors->add(errors, "/mood", "UNKNOWN_MOOD", "must be well, away, deaf, mute, slow or shy");
}

static void answer_landed(struct ox_answer *answer)
{
  char json[96];
  pthread_mutex_lock(&east.lock);
  size_t in_east = east.n_landed, together = east.n_together;
  pthread_mutex_unlock(&east.lock);
  pthread_mutex_lock(&west.lock);
  size_t in_west = west.n_landed;
  pthread_mutex_unlock(&west.lock);
  snprintf(json, sizeof json, "{\"east\":%zu,\"together\":%zu,\"west\":%zu}", in_east, together,
           in_west);
  answer->send(answer, 200, json);
}

static void put_moods(const struct ox_request *request, const struct ox_desk *desk,
                      struct ox_answer *answer)
{
  (void)desk;
  set_mood(request, &east, answer->errors);
  set_mood(request, &west, answer->errors);
  answer_landed(answer);
}

static void reset_all(const struct ox_request *request, const struct ox_desk *desk,
                      struct ox_answer *answer)
{
  (void)request;
  desk->reset_venues(desk);
  answer_landed(answer);
}

static void reset_east(const struct ox_request *request, const struct ox_desk *desk,
                       struct ox_answer *answer)
{
  (void)request, (void)desk;
  config->reset_venue(config, "east");
  answer_landed(answer);
}

static const struct ox_endpoint moods = {sizeof moods, "PUT", "/test/moods",
                                         "admin",      256,   put_moods};
static const struct ox_endpoint all = {sizeof all, "POST", "/test/reset", "admin", 256, reset_all};
static const struct ox_endpoint one = {sizeof one, "POST", "/test/reset/east",
                                       "admin",    256,    reset_east};

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_venue *const venues[] = {&venue_east, &venue_west, NULL};
  static const struct ox_endpoint *const endpoints[] = {&moods, &all, &one, NULL};
  static const struct ox_plugin plugin = {.size = sizeof plugin,
                                          .abi_major = OX_ABI_MAJOR,
                                          .abi_minor = OX_ABI_MINOR,
                                          .name = "moody",
                                          .venues = venues,
                                          .endpoints = endpoints};
  return &plugin;
}
