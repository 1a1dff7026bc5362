/* batch_items_test.c - batches apart, read, held against names, and told. */
#include "http/batch_items.h"

#define FAKES_OWN_SETUP
#include "tests/unit/http/fakes.h"

static struct batch_items items;

static void split(const char *text)
{
  cr_assert_eq(batch_items_split(&items, text, strlen(text)), ST_OK, "%s", text);
}

static enum status read_at(size_t i)
{
  struct envelope e;
  enum status status = batch_items_read(&items, i, NULL, &e);
  if (status == ST_OK) items.items[i].id = (struct ulid){{1, [15] = (uint8_t)(i + 1)}};
  envelope_deinit(&e);
  return status;
}

static void read_all(const char *text)
{
  split(text);
  for (size_t i = 0; i < items.n; i++) (void)!read_at(i);
}

static json_t *written(size_t chunk)
{
  struct buf out;
  buf_init(&out, 1 << 20);
  batch_items_write(&items, chunk, &out);
  json_t *root = parse(out.data);
  buf_deinit(&out);
  return root;
}

static long long number(const json_t *o, const char *name)
{
  return json_integer_value(json_object_get(o, name));
}

/* "index pointer CODE; …" of all chunks. */
static void expect_errors(const json_t *root, const char *expected)
{
  char got[2048] = "";
  size_t i, k;
  json_t *chunk, *e;
  json_array_foreach(json_object_get(root, "batchResults"), i, chunk)
  {
    json_array_foreach(json_object_get(chunk, "errors"), k, e)
    {
      snprintf(got + strlen(got), sizeof got - strlen(got), "%lld %s %s; ", number(e, "index"),
               str_of(e, "pointer"), str_of(e, "code"));
    }
  }
  cr_assert_str_eq(got, expected);
}

static const unsigned char other_hash[JOURNAL_HASH_LEN] = "other";

Test(batch_items, what_is_no_batch)
{
  static const char *const texts[] = {
      "",     " ",   "{}",    "1",     "[",       "[]",           "[ ]",
      "[{}",  "[,]", "[{},]", "[{}]x", "[{} {}]", "[{\"a\":1]}]", "\xef\xbb\xbf[{}]",
      "[{}}]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    cr_assert_eq(batch_items_split(&items, texts[i], strlen(texts[i])), ST_INVALID, "%s", texts[i]);
    cr_assert_eq(items.wrong.n, 1);
    batch_items_deinit(&items);
  }
}

Test(batch_items, a_thousand_and_no_more)
{
  struct buf text;
  buf_init(&text, 1 << 20);
  buf_append_str(&text, "[{}");
  for (int i = 1; i < BATCH_ORDERS_MAX; i++) buf_append_str(&text, ",{}");
  size_t len = text.len;
  buf_append_str(&text, "]");
  split(text.data);
  cr_assert_eq(items.n, BATCH_ORDERS_MAX);
  batch_items_deinit(&items);
  text.len = len;
  buf_append_str(&text, ",{}]");
  cr_assert_eq(batch_items_split(&items, text.data, text.len), ST_FULL);
  batch_items_deinit(&items);
  buf_deinit(&text);
}

Test(batch_items, each_is_read_as_a_single_order)
{
  read_all(" [ {\"amount\":1} , {\"amount\":\"1\"},{\"amount\":2,\"x\":1,\"y\":\"]},{\"}\n]");
  json_t *root = written(2);
  cr_assert(json_is_false(json_object_get(root, "success")));
  cr_assert_eq(number(root, "total"), 3);
  cr_assert_eq(number(root, "processed"), 1);
  cr_assert_eq(number(root, "failed"), 2);
  cr_assert_eq(number(root, "batches"), 2);
  expect_errors(root,
                "1 /1/amount AMOUNT_NOT_A_NUMBER; 2 /2/x UNKNOWN_FIELD; 2 /2/y UNKNOWN_FIELD; ");
  const json_t *order = json_array_get(json_object_get(root, "orders"), 0);
  cr_assert_eq(number(order, "index"), 0);
  cr_assert_str_eq(str_of(order, "status"), "pending");
  cr_assert_eq(json_array_size(json_object_get(root, "orders")), 1);
  cr_assert_eq(items.wrong.n, 0);
  json_decref(root);
  batch_items_deinit(&items);
}

Test(batch_items, chunks_are_counted)
{
  read_all("[{\"amount\":1},{\"amount\":1},{\"amount\":1},{\"amount\":\"1\"},{\"amount\":1}]");
  for (size_t chunk = 1; chunk <= 6; chunk++) {
    json_t *root = written(chunk), *part;
    long long processed = 0, failed = 0;
    size_t i;
    json_array_foreach(json_object_get(root, "batchResults"), i, part)
    {
      cr_assert_eq(number(part, "batchIndex"), (long long)i);
      processed += number(part, "processed");
      failed += number(part, "failed");
    }
    cr_assert_eq(i, (5 + chunk - 1) / chunk);
    cr_assert_eq(number(root, "batches"), (long long)i);
    cr_assert(processed == 4 && failed == 1);
    json_decref(root);
  }
  batch_items_deinit(&items);
}

Test(batch_items, what_lacks_a_field_or_is_no_order_makes_all_of_it_wrong)
{
  static const char *const texts[][2] = {
      {"[{\"amount\":1},{}]", "/1/amount"},
      {"[{\"amount\":1},{\"x\":1}]", "/1/amount"},
      {"[{\"amount\":1},7]", "/1"},
      {"[{\"amount\":1},null]", "/1"},
      {"[{\"amount\":1},[{\"amount\":1}]]", "/1"},
      {"[{\"amount\":1},\"{}\"]", "/1"},
      {"[{\"amount\":1},{\"amount\":1,\"amount\":1}]", "/1"},
      {"[{\"amount\":1},{\"amount\":nul}]", "/1"},
      {"[{\"amount\":1},{\"note\":\"\xff\",\"amount\":1}]", "/1"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    read_all(texts[i][0]);
    cr_assert_geq(items.wrong.n, 1, "%s", texts[i][0]);
    char list[4096], pointer[64];
    snprintf(list, sizeof list, "[%s]", items.wrong.list.data);
    snprintf(pointer, sizeof pointer, "\"pointer\":\"%s\"", texts[i][1]);
    json_decref(parse(list));
    cr_assert_not_null(strstr(list, pointer), "%s: %s", texts[i][0], list);
    cr_assert_null(strstr(list, "\"index\""), "as in any other problem");
    batch_items_deinit(&items);
  }
}

Test(batch_items, errors_of_one_order_are_bounded)
{
  read_all("[{\"amount\":1,\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,"
           "\"j\":1}]");
  json_t *root = written(1);
  const json_t *chunk = json_array_get(json_object_get(root, "batchResults"), 0);
  cr_assert_eq(json_array_size(json_object_get(chunk, "errors")), BATCH_ERRORS_MAX);
  json_decref(root);
  batch_items_deinit(&items);
}

Test(batch_items, the_same_name_twice)
{
  split("[{\"amount\":1,\"clientOrderId\":\"a\"},{\"amount\":1,\"clientOrderId\":\"a\"},"
        "{\"amount\":2,\"clientOrderId\":\"a\"},{\"amount\":1,\"clientOrderId\":\"b\"}]");
  cr_assert_eq(read_at(0), ST_OK);
  cr_assert_eq(read_at(1), ST_REPLAYED);
  cr_assert_eq(read_at(2), ST_INVALID);
  cr_assert_eq(read_at(3), ST_OK);
  json_t *root = written(100);
  expect_errors(root, "2 /2/clientOrderId IDEMPOTENCY_MISMATCH; ");
  const json_t *orders = json_object_get(root, "orders");
  cr_assert_str_eq(str_of(json_array_get(orders, 0), "orderId"),
                   str_of(json_array_get(orders, 1), "orderId"));
  cr_assert_eq(json_array_size(orders), 3);
  json_decref(root);
  batch_items_deinit(&items);
}

/* Two of one name: which of them is right the order that has it says, not the first of the two. */
Test(batch_items, a_name_that_is_taken_by_the_second_text)
{
  split("[{\"amount\":2,\"clientOrderId\":\"a\"},{\"amount\":1,\"clientOrderId\":\"a\"},"
        "{\"amount\":2,\"clientOrderId\":\"a\"}]");
  for (size_t i = 0; i < items.n; i++) (void)!read_at(i);
  const struct ulid id = {{7}};
  batch_items_taken(&items, 0, &(struct batch_taken){id, items.items[1].hash, "pending"});
  json_t *root = written(100);
  expect_errors(root, "0 /0/clientOrderId IDEMPOTENCY_MISMATCH; 2 /2/clientOrderId "
                      "IDEMPOTENCY_MISMATCH; ");
  const json_t *orders = json_object_get(root, "orders");
  cr_assert_eq(json_array_size(orders), 1);
  cr_assert_eq(number(json_array_get(orders, 0), "index"), 1);
  json_decref(root);
  batch_items_deinit(&items);
}

Test(batch_items, names_that_are_taken)
{
  split("[{\"amount\":1,\"clientOrderId\":\"a\"},{\"amount\":1,\"clientOrderId\":\"b\"},"
        "{\"amount\":1,\"clientOrderId\":\"b\"},{\"amount\":1}]");
  for (size_t i = 0; i < items.n; i++) (void)!read_at(i);
  const struct ulid id = {{7}};
  batch_items_taken(&items, 0, &(struct batch_taken){id, items.items[0].hash, "watching"});
  batch_items_taken(&items, 1, &(struct batch_taken){id, other_hash, "pending"});
  json_t *root = written(100);
  expect_errors(root, "1 /1/clientOrderId IDEMPOTENCY_MISMATCH; 2 /2/clientOrderId "
                      "IDEMPOTENCY_MISMATCH; ");
  const json_t *orders = json_object_get(root, "orders");
  cr_assert_eq(json_array_size(orders), 2);
  cr_assert_str_eq(str_of(json_array_get(orders, 0), "orderId"), "ord_07000000000000000000000000");
  cr_assert_str_eq(str_of(json_array_get(orders, 0), "status"), "watching");
  cr_assert_eq(number(json_array_get(orders, 1), "index"), 3);
  json_decref(root);
  batch_items_deinit(&items);
}
