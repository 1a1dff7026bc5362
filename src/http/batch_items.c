/* batch_items.c - see batch_items.h. An item owns its errors; everything else points into the text.
 */
#include "http/batch_items.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/body_hash.h"

/* ── apart ──────────────────────────────────────────────────────────────────────────────────── */

static enum status refuse(struct batch_items *b, const char *code, const char *detail)
{
  problem_errors_add(&b->wrong, "", code, detail);
  return ST_INVALID;
}

enum status batch_items_split(struct batch_items *b, const char *text, size_t len)
{
  *b = (struct batch_items){0};
  problem_errors_init(&b->wrong);
  enum status status = json_items_split(text, len, BATCH_ORDERS_MAX, &b->text);
  if (status == ST_INVALID) return refuse(b, "INVALID_JSON", b->text.error);
  if (status != ST_OK) return status;
  if (b->text.n == 0) return refuse(b, "EMPTY_BATCH", "the array has no orders");
  b->n = b->text.n;
  b->items = mem_alloc(b->n * sizeof *b->items);
  return ST_OK;
}

void batch_items_deinit(struct batch_items *b)
{
  for (size_t i = 0; i < b->n; i++) free(b->items[i].errors);
  free(b->items);
  json_items_deinit(&b->text);
  problem_errors_deinit(&b->wrong);
  *b = (struct batch_items){0};
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────── */

static void fail(struct batch_item *item, struct problem_errors *errors)
{
  item->state = BATCH_FAILED;
  item->errors = mem_strdup(errors->list.data);
}

static void errors_of(struct problem_errors *errors, size_t i)
{
  problem_errors_init(errors);
  errors->max = BATCH_ERRORS_MAX;
  errors->index = (int64_t)i;
  snprintf(errors->under, sizeof errors->under, "/%zu", i);
}

/* An item with a name and other content than the order that has the name. */
static void fail_name(struct batch_items *b, size_t i)
{
  struct batch_item *item = &b->items[i];
  struct problem_errors errors;
  char pointer[OX_NAME_MAX + 1];
  errors_of(&errors, i);
  snprintf(pointer, sizeof pointer, "/%s", item->member);
  problem_errors_add(&errors, pointer, problem_code(PROBLEM_IDEMPOTENCY_MISMATCH),
                     "this id was used before, with another body");
  fail(item, &errors);
  problem_errors_deinit(&errors);
}

static void keep_name(struct batch_item *item, const struct envelope *e)
{
  snprintf(item->own, sizeof item->own, "%s", e->client_order_id);
  for (size_t i = 0; i < e->body.n_fields; i++)
    if (e->body.fields[i].text == e->client_order_id)
      snprintf(item->member, sizeof item->member, "%s", e->body.fields[i].name);
}

/* The first before i that has its name; i when there is none. */
static size_t first_named(const struct batch_items *b, size_t i)
{
  for (size_t k = 0; k < i; k++)
    if (b->items[k].state == BATCH_NEW && strcmp(b->items[k].own, b->items[i].own) == 0) return k;
  return i;
}

static enum status settle_name(struct batch_items *b, size_t i, const struct envelope *e)
{
  struct batch_item *item = &b->items[i];
  const struct json_slice *text = &b->text.items[i];
  keep_name(item, e);
  if (body_hash(text->text, text->len, item->hash) != ST_OK) return ST_BROKEN;
  size_t first = first_named(b, i);
  if (first == i) return ST_OK;
  if (memcmp(b->items[first].hash, item->hash, JOURNAL_HASH_LEN) != 0) {
    fail_name(b, i);
    return ST_INVALID;
  }
  item->state = BATCH_SAME;
  item->same_as = first;
  return ST_REPLAYED;
}

/* What is no order at all, or lacks what an order needs, makes the whole batch invalid: it is read
 * once more, for the errors as they are shown then. */
static void make_wrong(struct batch_items *b, size_t i, const struct registry *registry)
{
  struct envelope again;
  b->items[i].state = BATCH_FAILED;
  snprintf(b->wrong.under, sizeof b->wrong.under, "/%zu", i);
  if (envelope_parse(registry, &envelope_any, b->text.items[i].text, b->text.items[i].len, &again,
                     &b->wrong) == ST_OK)
    problem_errors_add(&b->wrong, "", "INVALID", "is not valid"); /* it was not a moment ago */
  envelope_deinit(&again);
}

enum status batch_items_read(struct batch_items *b, size_t i, const struct registry *registry,
                             struct envelope *out)
{
  struct batch_item *item = &b->items[i];
  struct problem_errors errors;
  errors_of(&errors, i);
  enum status status = envelope_parse(registry, &envelope_any, b->text.items[i].text,
                                      b->text.items[i].len, out, &errors);
  if (status == ST_OK) {
    item->state = BATCH_NEW;
    snprintf(item->status, sizeof item->status, "%s", out->initial->name);
    if (out->client_order_id) status = settle_name(b, i, out);
  } else if (!out->body.tree || errors.n_missing > 0) {
    make_wrong(b, i, registry);
  } else {
    fail(item, &errors);
  }
  problem_errors_deinit(&errors);
  return status;
}

/* ── names that are taken ───────────────────────────────────────────────────────────────────── */

static void hold_against(struct batch_items *b, size_t i, const struct batch_taken *taken)
{
  struct batch_item *item = &b->items[i];
  free(item->errors);
  item->errors = NULL;
  if (memcmp(item->hash, taken->hash, JOURNAL_HASH_LEN) != 0) {
    fail_name(b, i);
    return;
  }
  item->state = BATCH_KNOWN;
  item->id = taken->id;
  snprintf(item->status, sizeof item->status, "%s", taken->status);
}

/* All that have the name are held against the order that has it, not against each other. */
void batch_items_taken(struct batch_items *b, size_t i, const struct batch_taken *taken)
{
  for (size_t k = i; k < b->n; k++)
    if (strcmp(b->items[k].own, b->items[i].own) == 0) hold_against(b, k, taken);
}

/* ── the answer ─────────────────────────────────────────────────────────────────────────────── */

static size_t failed_in(const struct batch_items *b, size_t from, size_t to)
{
  size_t n = 0;
  for (size_t i = from; i < to; i++) n += b->items[i].state == BATCH_FAILED;
  return n;
}

static void write_chunk(const struct batch_items *b, size_t from, size_t to, struct json_writer *w)
{
  size_t failed = failed_in(b, from, to);
  json_int(w, "processed", (int64_t)(to - from - failed));
  json_int(w, "failed", (int64_t)failed);
  json_begin_array(w, "errors");
  for (size_t i = from; i < to; i++)
    if (b->items[i].errors) json_raw(w, NULL, b->items[i].errors, strlen(b->items[i].errors));
  json_end_array(w);
}

static void write_order(const struct batch_items *b, size_t i, struct json_writer *w)
{
  const struct batch_item *item = &b->items[i];
  char id[ULID_ORDER_LEN + 1];
  if (item->state == BATCH_FAILED) return;
  if (item->state == BATCH_SAME) item = &b->items[item->same_as];
  ulid_format_order(&item->id, id);
  json_begin(w, NULL);
  json_int(w, "index", (int64_t)i);
  json_strn(w, "orderId", id, ULID_ORDER_LEN);
  json_str(w, "status", item->status);
  json_end(w);
}

void batch_items_write(const struct batch_items *b, size_t chunk, struct buf *out)
{
  size_t failed = failed_in(b, 0, b->n);
  struct json_writer w;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  json_bool(&w, "success", failed == 0);
  json_int(&w, "total", (int64_t)b->n);
  json_int(&w, "processed", (int64_t)(b->n - failed));
  json_int(&w, "failed", (int64_t)failed);
  json_int(&w, "batches", (int64_t)((b->n + chunk - 1) / chunk));
  json_begin_array(&w, "batchResults");
  for (size_t from = 0; from < b->n; from += chunk) {
    json_begin(&w, NULL);
    json_int(&w, "batchIndex", (int64_t)(from / chunk));
    write_chunk(b, from, from + chunk < b->n ? from + chunk : b->n, &w);
    json_end(&w);
  }
  json_end_array(&w);
  json_begin_array(&w, "orders");
  for (size_t i = 0; i < b->n; i++) write_order(b, i, &w);
  json_end_array(&w);
  json_end(&w);
}
