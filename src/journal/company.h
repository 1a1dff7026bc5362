/*
 * company.h - whether others are about to come: a transaction of ten requests costs PostgreSQL
 * hardly more than one of two. Workers that were told of a commit come back with their next step,
 * at once or after some delay of their order's; where nearly all have come at once lately, the
 * first few wait for the others. Loop thread. Times are monotonic, in ns.
 */
#ifndef JOURNAL_COMPANY_H
#define JOURNAL_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* How long those who were told are waited for: all of them, and the others after the first. The
 * same for claims. One ms is a turn of the loop's clock. */
enum { COMPANY_FIRST_MS = 2, COMPANY_MS = 1 };

struct company {
  uv_timer_t timer; /* turns the loop when the wait is over */
  size_t told, back;
  int64_t told_ns, first_ns;  /* first_ns: when the first of them was back; 0: none is */
  int64_t claims_expected_ns; /* since when; 0: none are on their way */
  int prompt; /* in 1024ths: how many of those who were told have come back in time, lately */
};

/* company_close() is for a company that was initialised; on_closed gets &company->timer. */
void company_init(struct company *c, uv_loop_t *loop);
void company_close(struct company *c, uv_close_cb on_closed);

/* n workers are being told now; one has come with what is next. */
void company_told(struct company *c, size_t n, int64_t now_ns);
void company_came(struct company *c, int64_t now_ns);

/* Claims that go well with what has gathered are on their way from the queue, or no longer. */
void company_expects_claims(struct company *c, bool expected, int64_t now_ns);

/* company_awaited() is true while it is better to wait for those who were told last; whoever waits
 * asks again in each turn of the loop, and one will come. */
bool company_awaited(struct company *c, int64_t now_ns);

#endif
