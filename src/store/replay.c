/* replay.c - see replay.h. An ask belongs to its statement until that has ended. */
#include "store/replay.h"

#include <string.h>

#include "base/alloc.h"
#include "io/pg_value.h"
#include "order/type.h"

enum { COL_FIRST = ORDER_COLS, COL_SAME, COL_RESPONSE, COL_FIRST_STATUS, COL_FIRST_PHASE };

/* Of an order without a hash: no body has it. */
static const unsigned char no_hash[REPLAY_HASH_LEN];

struct ask {
  replay_fn done;
  replay_names_fn done_names;
  void *arg;
  bool answered;
};

/* An order as it was when it was accepted: what has happened since is left out. */
static struct order as_accepted(const PGresult *r)
{
  struct order now = order_row_read(r, 0);
  enum ox_phase phase = (enum ox_phase)pg_get_int4(r, 0, COL_FIRST_PHASE);
  return (struct order){.id = now.id,
                        .client_order_id = now.client_order_id,
                        .type = now.type,
                        .status = (char *)pg_get_text(r, 0, COL_FIRST_STATUS),
                        .phase = phase,
                        .attempt = 1,
                        .ver = 1,
                        .payload = now.payload,
                        .created_at_ms = now.created_at_ms,
                        .updated_at_ms = now.created_at_ms,
                        .completed_at_ms = order_phase_terminal(phase) ? now.created_at_ms : 0};
}

static void give(const struct ask *a, const PGresult *r)
{
  if (PQntuples(r) != 1) {
    a->done(a->arg, ST_NOT_FOUND, NULL);
    return;
  }
  struct replay found = {.id = pg_get_ulid(r, 0, COL_FIRST)};
  struct order order;
  if (!pg_is_null(r, 0, COL_FIRST_STATUS)) {
    order = as_accepted(r);
    found.order = &order;
  }
  found.response = pg_get_text(r, 0, COL_RESPONSE);
  if (found.response) found.response_len = strlen(found.response);
  bool same = pg_get_bool(r, 0, COL_SAME);
  a->done(a->arg, same ? ST_OK : ST_CONFLICT, same ? &found : NULL);
}

static void on_row(void *arg, const PGresult *r)
{
  struct ask *a = arg;
  a->answered = true;
  give(a, r);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct ask *a = arg;
  (void)outcome, (void)sqlstate;
  if (!a->answered && a->done) a->done(a->arg, ST_AWAY, NULL);
  if (!a->answered && a->done_names) a->done_names(a->arg, ST_AWAY, NULL, 0);
  free(a);
}

static struct pg_param text(const char *value)
{
  return (struct pg_param){value, value ? (int)strlen(value) : 0};
}

enum status replay_find(struct reader *r, const struct replay_ask *ask, replay_fn done, void *arg)
{
  struct ask *a = mem_alloc(sizeof *a);
  *a = (struct ask){.done = done, .arg = arg};
  struct pg_param params[] = {text(ask->tenant),
                              text(ask->own_id),
                              {ask->own_id ? ask->body_hash : NULL, REPLAY_HASH_LEN},
                              text(ask->key),
                              {ask->key ? ask->key_hash : NULL, REPLAY_HASH_LEN}};
  enum status status = pg_run(reader_conn(r), "replay", params, 5, on_row, on_end, a);
  if (status != ST_OK) free(a);
  return status;
}

static void on_names(void *arg, const PGresult *r)
{
  struct ask *a = arg;
  size_t n = 0;
  struct replay_name *taken = mem_alloc(((size_t)PQntuples(r) + 1) * sizeof *taken);
  for (int i = 0; i < PQntuples(r); i++) {
    bool hashed = PQgetlength(r, i, 2) == REPLAY_HASH_LEN;
    taken[n++] =
        (struct replay_name){.at = (size_t)pg_get_int8(r, i, 0) - 1,
                             .id = pg_get_ulid(r, i, 1),
                             .hash = hashed ? (const unsigned char *)PQgetvalue(r, i, 2) : no_hash,
                             .status = pg_get_text(r, i, 3)};
  }
  a->answered = true;
  a->done_names(a->arg, ST_OK, taken, n);
  free(taken);
}

enum status replay_names(struct reader *r, const struct replay_names_ask *ask, replay_names_fn done,
                         void *arg)
{
  struct ask *a = mem_alloc(sizeof *a);
  struct pg_array names;
  *a = (struct ask){.done_names = done, .arg = arg};
  pg_array_init(&names, PG_TEXT);
  for (size_t i = 0; i < ask->n; i++) pg_array_text(&names, ask->names[i]);
  struct pg_param params[] = {text(ask->tenant), {0}};
  params[1].data = pg_array_param(&names, &params[1].len);
  enum status status = pg_run(reader_conn(r), "replay_names", params, 2, on_names, on_end, a);
  if (status != ST_OK) free(a);
  pg_array_deinit(&names);
  return status;
}
