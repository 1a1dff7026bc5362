/* replay.c - see replay.h. An ask belongs to its statement until that has ended. */
#include "store/replay.h"

#include <string.h>

#include "base/alloc.h"
#include "io/pg_value.h"

enum { COL_FIRST = ORDER_COLS, COL_SAME, COL_RESPONSE, COL_FIRST_STATUS };

struct ask {
  replay_fn done;
  void *arg;
  bool answered;
};

/* An order as it was when it was accepted: what has happened since is left out. */
static struct order as_accepted(const PGresult *r)
{
  struct order now = order_row_read(r, 0);
  return (struct order){.id = now.id,
                        .client_order_id = now.client_order_id,
                        .type = now.type,
                        .status = (char *)pg_get_text(r, 0, COL_FIRST_STATUS),
                        .phase = OX_QUEUED,
                        .attempt = 1,
                        .ver = 1,
                        .payload = now.payload,
                        .created_at_ms = now.created_at_ms,
                        .updated_at_ms = now.created_at_ms};
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
  if (!a->answered) a->done(a->arg, ST_AWAY, NULL);
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
