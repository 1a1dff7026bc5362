/*
 * board.h - the scenario, the same in every process: kept in PostgreSQL, so that it survives a
 * restart, and learned by each process as soon as it changes.
 *
 * DESIGN. Each process listens on a connection of its own, not on the ledger's: a swap never waits
 * for it, and quotes, which ask no server, know of a change as soon as look-ups. Changes are made
 * one after another, each against the scenario that was there before; whoever makes one waits until
 * every process that is connected has learned it, for BOARD_SPREAD_MS at most: one that is stopped,
 * or cut off, learns it when it is back.
 *
 * Any thread.
 */
#ifndef BOARD_H
#define BOARD_H

#include <ox/venue.h>

#include "scenario.h"

enum { BOARD_SPREAD_MS = 1000 };

struct board;

/* board_create() takes the scenario of the data files, also when it fails, and reads what was
 * changed since; where PostgreSQL is away it goes on trying. config must outlive the board. NULL:
 * no memory, no thread. */
struct board *board_create(const struct ox_config *config, const char *database_url,
                           struct scenario *files);
void board_destroy(struct board *board); /* no other call may be running */

/* board_scenario() is the newest one known here; scenario_drop() it soon. */
struct scenario *board_scenario(struct board *board);

enum board_result {
  BOARD_OK,    /* made, and known here and, but for what DESIGN says, everywhere */
  BOARD_WRONG, /* something is wrong with it: see errors */
  BOARD_AWAY,  /* PostgreSQL is; whether it was made is not known */
  BOARD_BUSY,  /* others make changes all the time; not made */
};

/* board_change() makes a change, see scenario_apply(); it takes a few seconds at most. */
enum board_result board_change(struct board *board, enum scenario_kind kind, json_t *body,
                               struct ox_errors *errors);

#endif
