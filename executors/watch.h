/*
 * watch.h - orders that wait for their moment and then swap: what limit and sniper have in common.
 *
 *   pending ──▶ watching ──▶ routing ──▶ building ──▶ submitted ──▶ confirmed
 *                  ▲────────────┘ ▲───────────┴────────────┘    a failed attempt routes again,
 *                                                                and may find its moment gone
 *   any of them ──▶ expired · failed      before submitted ──▶ cancelled
 *
 * DESIGN. A run looks, by asking the venues, and either fires or parks; a claim enters no state, so
 * an order that was woken for nothing goes back to wait without an event. Worker threads.
 */
#ifndef WATCH_H
#define WATCH_H

#include "swap.h"

enum { WATCH_STATES = 9 };
extern const struct ox_state watch_states[WATCH_STATES];

/* Whether it is the moment, by the swap's choice; if not, *park is what it waits for, with its
 * topic's name in the room given. A transaction is only sent if there is a choice. */
typedef bool (*watch_ready_fn)(const struct swap *swap, struct ox_park *park,
                               char topic[OX_TOPIC_MAX]);

enum ox_outcome watch_run(const struct ox_order *order, const struct ox_host *host,
                          watch_ready_fn ready);

#endif
