/*
 * delivery.c - goods that are packed, sent and brought.
 *
 *   Pending ──▶ Processing ──▶ Shipped ──▶ Completed
 *   any but the last ──▶ Failed      before Shipped ──▶ Cancelled
 *
 * No venue: time passes, and a shipment is tracked. Runs on worker threads; the delay is set when
 * the plugin opens and constant from then on.
 *
 * DESIGN. How far a delivery is is its status, and the shipment is what its events say of it: so a
 * step and what it does to the shipment are one thing, and nothing is done twice by whoever takes
 * the order over. Carrier and tracking number are drawn, the same at each run. When the next step
 * is due is kept with the step before: a take-over waits for the rest, and what is far away is
 * parked.
 */
#include <stdio.h>

#include "goods.h"
#include "parcel.h"
#include "writer.h"

enum {
  DELAY_DEFAULT_MS = 1000,
  DELAY_MAX_MS = 3600000,
  HOLD_MS = 10000, /* a worker is not held for longer */
  DATA_MAX = 512,
};

static uint64_t delay_min_ms, delay_max_ms;

/* ── configuration ──────────────────────────────────────────────────────────────────────────── */

static bool read_number(const char **text, uint64_t *out)
{
  const char *p = *text;
  for (*out = 0; *p >= '0' && *p <= '9'; p++) {
    *out = *out * 10 + (uint64_t)(*p - '0');
    if (*out > DELAY_MAX_MS) return false;
  }
  bool any = p > *text;
  *text = p;
  return any;
}

enum ox_venue_result delivery_open(const struct ox_config *config, char *error, size_t error_len)
{
  const char *text = config->get(config, "DELIVERY_DELAY_MS");
  delay_min_ms = delay_max_ms = DELAY_DEFAULT_MS;
  if (!text || !*text) return OX_VENUE_OK;
  bool right = read_number(&text, &delay_min_ms);
  delay_max_ms = delay_min_ms;
  if (right && *text == '-') right = (text++, read_number(&text, &delay_max_ms));
  if (right && !*text && delay_min_ms <= delay_max_ms) return OX_VENUE_OK;
  snprintf(error, error_len, "DELIVERY_DELAY_MS is neither N nor MIN-MAX milliseconds");
  return OX_VENUE_UNAVAILABLE;
}

/* ── the states ─────────────────────────────────────────────────────────────────────────────── */

static const char *const from_pending[] = {"Processing", "Failed", "Cancelled", NULL};
static const char *const from_processing[] = {"Shipped", "Failed", "Cancelled", NULL};
static const char *const from_shipped[] = {"Completed", "Failed", NULL};

static const struct ox_state states[] = {
    {"Pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"Processing", OX_ACTIVE, OX_STATE_BY_HAND, from_processing},
    {"Shipped", OX_ACTIVE, OX_STATE_BY_HAND, from_shipped},
    {"Completed", OX_SUCCEEDED, OX_STATE_BY_HAND, NULL},
    {"Failed", OX_FAILED, OX_STATE_BY_HAND | OX_STATE_ON_FAIL, NULL},
    {"Cancelled", OX_CANCELLED, OX_STATE_BY_HAND | OX_STATE_ON_CANCEL, NULL},
};

/* The steps, each with what it does to the shipment. */
static const struct {
  const char *from, *to, *shipment;
} steps[] = {{"Pending", "Processing", "label_created"},
             {"Processing", "Shipped", "in_transit"},
             {"Shipped", "Completed", "delivered"}};

enum { STEPS = sizeof steps / sizeof *steps };

/* ── the way ────────────────────────────────────────────────────────────────────────────────── */

static const char *data_of(const struct ox_order *order, const struct ox_host *host,
                           const char *step, char room[DATA_MAX])
{
  static const char *const carriers[] = {"Northwind Parcel", "Blue Heron Freight", "Alpine Post"};
  char id[64], tracking[24];
  uint64_t carrier = host->random(host, "carrier") % (sizeof carriers / sizeof *carriers);
  snprintf(id, sizeof id, "shp_%s", order->order_id + sizeof "ord_" - 1);
  snprintf(tracking, sizeof tracking, "OX%016llu",
           (unsigned long long)(host->random(host, "tracking") % 10000000000000000u));
  struct writer w;
  writer_init(&w, room, DATA_MAX);
  writer_begin(&w, NULL);
  writer_begin(&w, "shipment");
  writer_str(&w, "shipmentId", id);
  writer_str(&w, "carrier", carriers[carrier]);
  writer_str(&w, "trackingNumber", tracking);
  writer_str(&w, "step", step);
  writer_end(&w);
  writer_end(&w);
  return writer_text(&w);
}

static int64_t delay_ms(const struct ox_host *host, const char *step)
{
  return (int64_t)(delay_min_ms + host->random(host, step) % (delay_max_ms - delay_min_ms + 1));
}

static size_t step_from(const char *status)
{
  size_t i = 0;
  while (i < STEPS && strcmp(steps[i].from, status) != 0) i++;
  return i;
}

static bool take(const struct ox_order *order, const struct ox_host *host, size_t i, int64_t *due)
{
  char room[DATA_MAX];
  *due = host->now_ms(host) + delay_ms(host, steps[i].to);
  return host->keep(host, due, sizeof *due) == OX_OK &&
         host->emit(host, steps[i].to, data_of(order, host, steps[i].shipment, room)) == OX_OK;
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  int64_t due = 0;
  if (order->state_len == sizeof due) memcpy(&due, order->state, sizeof due);
  for (size_t i = step_from(order->status); i < STEPS; i++) {
    int64_t wait = due - host->now_ms(host);
    const struct ox_park until = {.size = sizeof until, .until_ms = due};
    if (wait > HOLD_MS) return host->park(host, &until) == OX_OK ? OX_PARK : OX_RETRY;
    if (wait > 0 && host->sleep_ms(host, wait) != OX_OK) return OX_RETRY;
    if (!take(order, host, i, &due)) return OX_RETRY;
  }
  return OX_DONE;
}

const struct ox_executor delivery_executor = {
    .size = sizeof delivery_executor,
    .type = "delivery",
    .states = states,
    .n_states = sizeof states / sizeof *states,
    .validate = parcel_validate,
    .execute = execute,
    .known_by = "item_ids",
    .group_by = "user_id",
};
