/*
 * roster.h - what this process's slots do and have done, as JSON for people. Loop thread only.
 *
 * Status: {"worker":"HOST:PID","slots":[{"slot","busy","orderId","type","stage","attempt",
 * "ageMs"}]}, null where a slot is idle. Stats: {"worker","uptimeMs","run","succeeded","failed",
 * "retried","other","busyShare","slots":[{"slot","run",…,"busyShare"}]}: run is how many runs have
 * ended, which is the sum of the four; other: parked, cancelled, given back.
 */
#ifndef WORKERS_ROSTER_H
#define WORKERS_ROSTER_H

#include "base/buf.h"
#include "queue/report.h"
#include "workers/dispatcher.h"

enum { ROSTER_TEXT_MAX = 1 << 20 };

/* roster_write() fills out; its texts point into text, which is cleared before. */
void roster_write(const struct dispatcher *d, struct buf *text, struct queue_report *out);

#endif
