/*
 * scripted_host.h - a host for the tests of executors that follows a script: quotes, landings, a
 * lost order at each call; and the order it is the host of. It writes down what it was asked.
 */
#ifndef TESTS_SCRIPTED_HOST_H
#define TESTS_SCRIPTED_HOST_H

#include <criterion/criterion.h>
#include <ox/executor.h>
#include <stdio.h>
#include <string.h>

struct script {
  struct ox_host table;
  struct ox_quote quotes[8];
  size_t n_quotes;
  int open;                          /* a transaction is open from before */
  enum ox_status_code submit, await; /* what they answer */
  enum ox_landing_state landing;
  int split;                     /* what lands has two legs */
  int lost_at, calls;            /* the call that finds the order lost; 0: none does */
  enum ox_status_code emit_says; /* instead of OX_OK */
  const char *emit_says_at;      /* for this state */

  char did[512]; /* what was called, and the states emitted */
  char data[3][6144];
  char code[64], message[256];
  int64_t now_ms;
  struct ox_park park; /* what it parked for, with its topic */
  char topic[OX_TOPIC_MAX];
  struct ox_swap quoted, submitted;
  char venue[OX_NAME_MAX];
  unsigned char kept[1024];
  size_t kept_len;
};

static struct script s;
static struct ox_order order;
static struct ox_field fields[8];

static inline bool lost(const char *what)
{
  size_t len = strlen(s.did);
  snprintf(s.did + len, sizeof s.did - len, "%s%s", len ? " " : "", what);
  cr_assert(!s.lost_at || s.calls < s.lost_at, "%s: called after the order was lost", what);
  return ++s.calls == s.lost_at;
}

static inline enum ox_status_code emit(const struct ox_host *host, const char *state,
                                       const char *data)
{
  (void)host;
  static const char *const slots[] = {"building", "submitted", "confirmed"};
  if (lost(state)) return OX_LOST;
  if (s.emit_says_at && strcmp(s.emit_says_at, state) == 0) return s.emit_says;
  for (int i = 0; i < 3; i++)
    if (strcmp(slots[i], state) == 0) snprintf(s.data[i], sizeof s.data[i], "%s", data);
  order.status = state;
  return OX_OK;
}

static inline void fail(const struct ox_host *host, const char *code, const char *message)
{
  (void)host;
  snprintf(s.code, sizeof s.code, "%s", code);
  snprintf(s.message, sizeof s.message, "%s", message);
}

static inline enum ox_status_code keep(const struct ox_host *host, const void *state, size_t len)
{
  (void)host;
  cr_assert(len <= sizeof s.kept);
  memcpy(s.kept, state, len);
  s.kept_len = len;
  return lost("keep") ? OX_LOST : OX_OK;
}

static inline size_t quote(const struct ox_host *host, const struct ox_swap *swap,
                           struct ox_quote *quotes, size_t max)
{
  (void)host;
  s.quoted = *swap;
  if (lost("quote")) s.lost_at++; /* it has no way to say so: the next call does */
  for (size_t i = 0; i < s.n_quotes && i < max; i++) quotes[i] = s.quotes[i];
  return s.n_quotes < max ? s.n_quotes : max;
}

static inline int resume(const struct ox_host *host, struct ox_receipt *receipt)
{
  (void)host;
  if (!s.open) return 0;
  snprintf(receipt->venue, sizeof receipt->venue, "raydium");
  snprintf(receipt->tx_hash, sizeof receipt->tx_hash, "old-hash");
  receipt->in_amount = 1500000000;
  receipt->min_out_amount = 200000000;
  return 1;
}

static inline enum ox_status_code submit(const struct ox_host *host, const char *venue,
                                         const struct ox_swap *swap, struct ox_receipt *receipt)
{
  (void)host;
  if (lost("submit")) return OX_LOST;
  s.submitted = *swap;
  snprintf(s.venue, sizeof s.venue, "%s", venue);
  if (s.submit == OX_OPEN_INTENT) s.open = 1;
  if (s.submit != OX_OK) return s.submit;
  snprintf(receipt->venue, sizeof receipt->venue, "%s", venue);
  snprintf(receipt->tx_hash, sizeof receipt->tx_hash, "hash");
  receipt->in_amount = swap->in_amount;
  receipt->min_out_amount = swap->min_out_amount;
  return OX_OK;
}

static inline enum ox_status_code await(const struct ox_host *host, struct ox_landing *landing)
{
  (void)host;
  if (lost("await")) return OX_LOST;
  if (s.await != OX_OK) return s.await;
  landing->state = s.landing;
  landing->in_amount = 1500000000;
  landing->out_amount = 226953171;
  landing->n_legs = s.split ? 2 : 0;
  landing->legs[0] = (struct ox_leg){"raydium", 500000000, 76000000};
  landing->legs[1] = (struct ox_leg){"meteora", 1000000000, 150953171};
  return OX_OK;
}

static inline struct ox_quote quote_of(const char *venue, uint64_t out)
{
  struct ox_quote q = {.size = sizeof q, .in_amount = 1500000000, .out_amount = out};
  snprintf(q.venue, sizeof q.venue, "%s", venue);
  snprintf(q.pool, sizeof q.pool, "SOL-USDC");
  return q;
}

static inline int64_t now_ms(const struct ox_host *host)
{
  (void)host;
  return s.now_ms;
}

static inline enum ox_status_code park(const struct ox_host *host, const struct ox_park *what)
{
  (void)host;
  if (lost("park")) return OX_LOST;
  s.park = *what;
  snprintf(s.topic, sizeof s.topic, "%s", what->topic ? what->topic : "");
  return OX_OK;
}

static inline void script_begin(void)
{
  s = (struct script){.table = {.size = sizeof s.table,
                                .emit = emit,
                                .fail = fail,
                                .keep = keep,
                                .quote = quote,
                                .resume = resume,
                                .submit = submit,
                                .await_landing = await,
                                .now_ms = now_ms,
                                .park = park},
                      .quotes = {quote_of("raydium", 220000000), quote_of("meteora", 226953171)},
                      .n_quotes = 2,
                      .landing = OX_LANDING_LANDED};
}

/* The next run finds what the last one kept. */
static inline void script_again(void)
{
  static unsigned char kept[1024];
  memcpy(kept, s.kept, sizeof kept);
  order.state = kept;
  order.state_len = s.kept_len;
  s.did[0] = s.code[0] = '\0';
  s.calls = 0;
}

static inline void set(size_t i, const char *name, enum ox_field_kind kind, const char *text)
{
  fields[i] = (struct ox_field){name, text, strlen(text), kind};
}

#endif
