/*
 * redrive.h - placing a failed order anew: a new order with the same content, since terminal is
 * final. One that may have moved anything is refused. Redriving is idempotent: a dead letter is
 * redriven once, and whoever asks again is told what became of it. Loop thread only.
 */
#ifndef JOURNAL_REDRIVE_H
#define JOURNAL_REDRIVE_H

#include "journal/journal.h"

enum redrive_result {
  REDRIVE_DONE,
  REDRIVE_AGAIN,         /* it was redriven before: the first answer */
  REDRIVE_NOT_FAILED,    /* it is no dead letter */
  REDRIVE_MAYBE_LANDED,  /* its outcome is not known to be none */
  REDRIVE_UNKNOWN_TYPE,  /* no executor of this process runs it */
  REDRIVE_UNKNOWN_ORDER, /* there is no such order */
  REDRIVE_AWAY,          /* PostgreSQL did not say; ask again */
};

struct journal_redriven {
  struct ulid id, redrive_of;
  const char *status; /* the initial state */
  int64_t created_at_ms;
  bool grouped; /* it waits for its turn in the group of the dead letter */
};

/* redriven is NULL unless REDRIVE_DONE or REDRIVE_AGAIN. */
typedef void (*journal_redriven_fn)(void *arg, enum redrive_result result,
                                    const struct journal_redriven *redriven);
enum status journal_redrive(struct journal *j, const struct ulid *id, journal_redriven_fn done,
                            void *arg) MUST_CHECK;

/* ST_OK: all dead letters of the time of the call were looked at: n were redriven, and refused were
 * not. ST_AWAY: so many were; it can be called again. */
typedef void (*journal_redriven_all_fn)(void *arg, enum status status, int64_t n, int64_t refused);
/* ST_BUSY: one is under way. */
enum status journal_redrive_all(struct journal *j, journal_redriven_all_fn done,
                                void *arg) MUST_CHECK;

#endif
