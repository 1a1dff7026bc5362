/*
 * quoter.h - asking for quotes on threads of the venue's own. Private to venues.c.
 */
#ifndef WORKERS_QUOTER_H
#define WORKERS_QUOTER_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a quoter calls on its threads. */
struct quoter_call {
  void (*ask)(void *arg, const struct ox_swap *swap, int64_t until_ns, struct ox_quote *quote);
  void *arg;
};

struct quoter;
struct quoter_round;

struct quoter *quoter_create(const struct quoter_call *call, size_t threads);
/* quoter_stop() ends the threads, waiting until until_ms (Unix time); false: not all came back. */
bool quoter_stop(struct quoter *q, int64_t until_ms);
void quoter_destroy(struct quoter *q); /* stopped */

/* A round is one question to at most max quoters: begun with a copy of swap, put to each of them,
 * and ended by quoter_round_end(), which waits until until_ns (monotonic) and gives, for the i-th
 * that was asked, whether it has answered and what. Who is later than that is not heard. */
struct quoter_round *quoter_round_begin(const struct ox_swap *swap, size_t max, int64_t until_ns);
/* quoter_round_ask() is false when the quoter has too much to do already. */
bool quoter_round_ask(struct quoter_round *r, struct quoter *q);
void quoter_round_end(struct quoter_round *r, bool *answered, struct ox_quote *quotes);

#endif
