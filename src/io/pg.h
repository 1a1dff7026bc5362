/*
 * pg.h - one PostgreSQL connection on the loop, in pipeline mode, that reconnects by itself.
 *
 * DESIGN. Work is sent as batches. A batch is one transaction: its statements, then a Sync; either
 * all of it commits or nothing. Batches may be pipelined; results come back in order. A connection
 * that breaks, or does not answer within the batch deadline, ends every batch in flight as
 * PG_IN_DOUBT: PostgreSQL may or may not have committed it, and only a read can tell. Statements
 * are prepared anew on each connect, before on_up is called. The server cancels a statement after
 * three quarters of the deadline, so that what hangs is rolled back and not in doubt; sequential
 * scans and JIT are off (see pg_start.c). A URL with a list of hosts should have addresses in it:
 * names in a list are resolved by libpq, which blocks.
 *
 * Loop thread only. Callbacks never run inside the call that caused them.
 */
#ifndef IO_PG_H
#define IO_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

struct pg_conn;
struct pg_batch;

enum {
  PG_PARAMS_MAX = 32,           /* of a statement */
  PG_BATCH_STATEMENTS_MAX = 64, /* of a batch; also how many a connection may prepare */
  PG_BATCHES_MAX = 256,         /* in flight */
};

struct pg_statement {
  const char *name;
  const char *sql;
};

struct pg_options {
  const char *url;
  const char *name;                      /* application_name, and in the log */
  const struct pg_statement *statements; /* prepared on every connect; borrowed till closed */
  size_t n_statements;
  int64_t deadline_ms; /* without an answer for so long: the connection is given up */
  int64_t ping_ms;     /* idle for so long: PostgreSQL is asked whether it is there; 0: never */
  void (*on_up)(void *arg);
  void (*on_down)(void *arg); /* after the last batch has ended; not because of pg_close() */
  void *arg;
};

enum pg_outcome {
  PG_COMMITTED,
  PG_ROLLED_BACK, /* sqlstate says why (57P01 too: shut down); nothing of the batch happened */
  PG_IN_DOUBT,    /* the answer to COMMIT was lost */
};

/* Every parameter and result is in binary format. */
struct pg_param {
  const void *data; /* NULL: SQL null */
  int len;
};

/* Called for each statement of the batch that succeeded, in order; result is borrowed. */
typedef void (*pg_result_fn)(void *arg, const PGresult *result);
/* Called once for each batch that was sent. sqlstate is "" unless rolled back. */
typedef void (*pg_end_fn)(void *arg, enum pg_outcome outcome, const char *sqlstate);

/* pg_connect() starts connecting and returns at once; it never gives up (50 ms to 2 s apart). */
struct pg_conn *pg_connect(uv_loop_t *loop, const struct pg_options *options);
/* pg_close() ends batches in flight as PG_IN_DOUBT, frees the connection when the loop has let go
 * of it, then calls done (may be NULL). */
void pg_close(struct pg_conn *conn, void (*done)(void *arg), void *arg);

bool pg_up(const struct pg_conn *conn);
size_t pg_in_flight(const struct pg_conn *conn); /* batches sent and not ended */
/* pg_silent_ms() is how long PostgreSQL has said nothing although it owes an answer; 0: it does
 * not. */
int64_t pg_silent_ms(const struct pg_conn *conn);

/* pg_takes() is false when the connection is down or PG_BATCHES_MAX are in flight; one that breaks
 * is down at once, on_down is called a little later in that turn of the loop. pg_batch_begin() is
 * NULL when pg_takes() is false. Between begin and send, which happen in one callback, no other
 * batch of this connection may be begun. Parameters are copied by pg_batch_add(). */
bool pg_takes(const struct pg_conn *conn);
struct pg_batch *pg_batch_begin(struct pg_conn *conn);
void pg_batch_add(struct pg_batch *batch, const char *statement, const struct pg_param *params,
                  int n_params, pg_result_fn on_result, void *arg);
void pg_batch_send(struct pg_batch *batch, pg_end_fn on_end, void *arg);

/* pg_run() is a batch of one statement. ST_AWAY when the connection is down, ST_FULL when too many
 * are in flight: no callback. */
enum status pg_run(struct pg_conn *conn, const char *statement, const struct pg_param *params,
                   int n_params, pg_result_fn on_result, pg_end_fn on_end, void *arg) MUST_CHECK;

#endif
