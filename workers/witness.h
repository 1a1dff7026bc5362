/*
 * witness.h - whether the queue's time leaps. Pure; a witness belongs to one thread.
 *
 * DESIGN. Each claim is answered with the queue's time at a moment between its sending and its
 * answer. So from one claim to the next no more can have passed than from the sending of the first
 * to the answer of the second, by our own monotonic clock; what the queue's time says beyond that
 * it has leapt: Redis' clock was set forward. That Redis or the network is slow looks like none.
 */
#ifndef WORKERS_WITNESS_H
#define WORKERS_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

/* What a leap may be unseen: half of it rounding, half the drift of two clocks in a second. */
enum { WITNESS_TOLERANCE_MS = 5 };

struct witness {
  bool known;
  int64_t queue_ms, sent_ns; /* the newest answer, and when it was asked for */
};

void witness_note(struct witness *w, int64_t queue_ms, int64_t sent_ns);

/* witness_leap_ms() is by how much the queue's time is beyond what can have passed when an answer
 * has come with it at now_ns (monotonic); 0: it is not. Beyond the tolerance and a thousandth of
 * the time since the newest answer: clocks drift. */
int64_t witness_leap_ms(const struct witness *w, int64_t queue_ms, int64_t now_ns);

#endif
