/*
 * record.c - the record: an order that somebody else runs, kept and moved by hand.
 *
 *   PENDING ──▶ PROCESSING ──▶ COMPLETED
 *      │             ├───────▶ FAILED
 *      └─────────────┴───────▶ CANCELLED
 *
 * Its id is the caller's own; its times are answered in the form in which they came. Pure.
 */
#include "fields.h"
#include "goods.h"

static const char *const from_pending[] = {"PROCESSING", "CANCELLED", NULL};
static const char *const from_processing[] = {"COMPLETED", "FAILED", "CANCELLED", NULL};

static const struct ox_state states[] = {
    {"PENDING", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"PROCESSING", OX_ACTIVE, OX_STATE_BY_HAND, from_processing},
    {"COMPLETED", OX_SUCCEEDED, OX_STATE_BY_HAND, NULL},
    {"FAILED", OX_FAILED, OX_STATE_BY_HAND | OX_STATE_ON_FAIL, NULL},
    {"CANCELLED", OX_CANCELLED, OX_STATE_BY_HAND | OX_STATE_ON_CANCEL, NULL},
};

static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  static const char *const known[] = {"id", "amount", "createdAt", "updatedAt", NULL};
  const struct fields f = {order, errors};
  fields_amount(&f, "amount");
  fields_time(&f, "createdAt");
  fields_time(&f, "updatedAt");
  fields_only(&f, known);
}

const struct ox_executor record_executor = {
    .size = sizeof record_executor,
    .type = "record",
    .states = states,
    .n_states = sizeof states / sizeof *states,
    .validate = validate,
    .known_by = "id",
    .own_id = "id",
};
