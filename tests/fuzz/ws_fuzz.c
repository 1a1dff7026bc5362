/*
 * ws_fuzz.c - any text as a message on a socket for many orders. What is taken for an action has
 * what the action needs; everything else is an error that can be sent as JSON.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "http/action.h"

static void check_action(const struct action *a)
{
  assert(a->kind <= ACTION_UNSUBSCRIBE);
  assert(!a->request_id || strlen(a->request_id) <= ACTION_REQUEST_ID_MAX);
  if (a->kind != ACTION_EXECUTE) {
    assert(a->order_id && a->since >= 0);
    return;
  }
  json_t *order = json_loadb(a->order->text, a->order->len, JSON_DECODE_ANY, NULL);
  assert(order && strlen(a->order->text) == a->order->len);
  json_decref(order);
}

static void check_error(const struct action *a, const struct problem_errors *errors)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, 1 << 20);
  json_writer_init(&w, &out);
  problem_write(&w, NULL, PROBLEM_VALIDATION_FAILED, NULL, errors, a->request_id);
  assert(!out.overflow && errors->n > 0);
  json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  assert(root);
  json_decref(root);
  buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct problem_errors errors;
  struct action a;
  problem_errors_init(&errors);
  if (action_parse((const char *)data, size, &a, &errors) == ST_OK)
    check_action(&a);
  else
    check_error(&a, &errors);
  action_deinit(&a);
  problem_errors_deinit(&errors);
  return 0;
}
