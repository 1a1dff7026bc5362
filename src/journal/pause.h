/*
 * pause.h - whether orders are started: a fact in PostgreSQL, of which Redis and every process have
 * a copy. What runs goes on. Loop thread only.
 */
#ifndef JOURNAL_PAUSE_H
#define JOURNAL_PAUSE_H

#include "journal/journal.h"

/* ST_OK: durable, and known to Redis if it answers; whoever does not know it yet does within half a
 * second. changed_at_ms: since when it is so. ST_AWAY: it may or may not be so. */
typedef void (*journal_paused_fn)(void *arg, enum status status, int64_t changed_at_ms);

enum status journal_pause(struct journal *j, bool paused, journal_paused_fn done,
                          void *arg) MUST_CHECK;

#endif
