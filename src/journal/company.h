/*
 * company.h - whether others are about to come: a transaction of ten requests costs PostgreSQL
 * hardly more than one of two. Workers that were told of a commit come back with their next step,
 * at once or after some delay of their order's; where nearly all have come at once lately, the
 * first few wait for the others.
 *
 * DESIGN. Orders that run through at once should go in step, all of them claimed together, their
 * transactions opened together, and so on. Where two groups of them take turns, one of them is
 * claimed while the other's transactions are opened, and each waits for the other in every
 * transaction: they never meet. So who begins waits only for those who begin, while who ends waits
 * for everybody: for the others of its group, and for the other group to end, too.
 *
 * Loop thread. Times are monotonic, in ns.
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

/* What a worker was told of: that his order was claimed, so that he comes with its first step, or a
 * step of it. */
enum told_of { TOLD_OF_CLAIM, TOLD_OF_STEP, TOLD_KINDS, COMPANY_ALL = (1 << TOLD_KINDS) - 1 };

/* Those who were told from since_ns to last_ns. */
struct told {
  size_t n, back;
  int64_t since_ns, last_ns, first_ns; /* first_ns: when one was back after that; 0: none is */
  int prompt; /* in 1024ths: how many of those who were told have come back in time, lately */
};

struct company {
  uv_timer_t timer; /* turns the loop when the wait is over */
  struct told told[TOLD_KINDS];
  int64_t claims_expected_ns; /* since when; 0: none are on their way */
};

/* company_close() is for a company that was initialised; on_closed gets &company->timer. */
void company_init(struct company *c, uv_loop_t *loop);
void company_close(struct company *c, uv_close_cb on_closed);

/* n workers are being told now; one who was told has come with what is next. */
void company_told(struct company *c, enum told_of of, size_t n, int64_t now_ns);
void company_came(struct company *c, enum told_of of, int64_t now_ns);

/* Claims that go well with what has gathered are on their way from the queue, or no longer. */
void company_expects_claims(struct company *c, bool expected, int64_t now_ns);

/* company_awaited() is true while it is better to wait for those who were told last of any of the
 * kinds, of which each is a bit; whoever waits asks again in each turn of the loop, and one will
 * come. */
bool company_awaited(struct company *c, unsigned kinds, int64_t now_ns);

#endif
