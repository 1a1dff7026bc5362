/*
 * board_db.h - the changes to the scenario in PostgreSQL: the table sim.changes, numbered in the
 * order they were made. Every call blocks, as those of db.h do.
 *
 * DESIGN. A process learns of a change by NOTIFY, and says that it has it by a lock: a shared
 * advisory lock on the number of the newest change it has. Nobody waits for these locks; whoever
 * made a change looks for numbers below its own among them. A process that dies takes its lock with
 * it.
 */
#ifndef BOARD_DB_H
#define BOARD_DB_H

#include "db.h"
#include "scenario.h"

/* board_db_connect() makes the table where there is none. listening: as a process that learns of
 * changes and has none yet. */
bool board_db_connect(struct db *db, const char *url, bool listening);

/* board_db_read() gives the changes after a version, the oldest first: kind, body, version, when.
 */
PGresult *board_db_read(struct db *db, int64_t after);

/* board_db_learned() says that this process has version to and no longer version from. */
bool board_db_learned(struct db *db, int64_t from, int64_t to);

struct board_change {
  enum scenario_kind kind;
  const char *name;
  const char *body; /* JSON */
  int64_t after;    /* the version it was made for */
};

/* board_db_put() makes a change; *version is then its number, or 0 when there was another change
 * in between. */
bool board_db_put(struct db *db, const struct board_change *change, int64_t *version);

/* board_db_missing() counts the processes that have not learned a version yet. */
bool board_db_missing(struct db *db, int64_t version, int64_t *processes);

/* board_db_await() waits until something is heard, wake_fd is readable, or for wait_ms. False: the
 * connection is lost. */
bool board_db_await(struct db *db, int wake_fd, int wait_ms);

#endif
