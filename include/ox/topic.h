/*
 * topic.h - what an order can wait for. A topic has a name and a level, an integer; whoever knows
 * it publishes it (ox_host.publish, ox_desk.publish), orders park on it (ox_host.park) and are
 * woken when the level gets to where they asked for.
 *
 * Names are 1 to 63 printable ASCII characters without blanks: KIND:WHAT. Those that the executors
 * and venues here have agreed on:
 *
 *   price:SOL-USDC   the mid price: what one whole SOL is worth in whole USDC, in 10^-12, rounded
 *                    down, at most 2^63-1. Each direction is a topic of its own: who moves a price
 *                    publishes price:USDC-SOL, too.
 *   listed:NEW       how many pools trade NEW.
 *
 * Publish after quotes show it, in every process: an order that looked before waits for the next
 * level. A level that is published again wakes again. The newest level counts; one that was passed
 * in between may wake nobody.
 */
#ifndef OX_TOPIC_H
#define OX_TOPIC_H

#include <stdint.h>
#include <stdio.h>

enum { OX_TOPIC_MAX = 64 /* with the NUL */, OX_PRICE_DECIMALS = 12 };

/* ox_topic_price() and ox_topic_listed() write a topic's name; cut off where symbols are too long.
 */
static inline void ox_topic_price(char topic[OX_TOPIC_MAX], const char *in, const char *out)
{
  snprintf(topic, OX_TOPIC_MAX, "price:%.27s-%.27s", in, out);
}

static inline void ox_topic_listed(char topic[OX_TOPIC_MAX], const char *token)
{
  snprintf(topic, OX_TOPIC_MAX, "listed:%.55s", token);
}

enum ox_side {
  OX_AT_LEAST, /* wakes at level or above */
  OX_AT_MOST,  /* wakes at level or below */
};

/*
 * What a parked order waits for. It is woken when the level is reached, at until_ms, or at the
 * latest after PARK_RECHECK_MS, whichever comes first. Being woken proves nothing, and every wake
 * is a start that counts for the limiter: choose a level without which there is nothing to do, and
 * look again. A level that was published since the run began wakes at once.
 */
struct ox_park {
  uint32_t size;
  const char *topic; /* NULL: time alone wakes it */
  enum ox_side side;
  int64_t level;
  int64_t until_ms; /* Unix time; 0: no time of its own */
};

#endif
