/* A file of orders: NDJSON or CSV, what of it is none, and chunks that are always the same. */
#include "ctl/batch_file.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct batch_file f;
static char error[200];

static enum status parse(const char *text, enum batch_format format)
{
  return batch_file_parse(&f, text, strlen(text), format, error, sizeof error);
}

Test(batch_file, ndjson)
{
  cr_assert_eq(parse("{\"a\":1.50}\n\n  \r\n[]\n{\"a\":1,\"a\":2}\n {\"b\":[]} ", BATCH_GUESS),
               ST_OK);
  batch_file_chunk(&f, 1000);
  cr_assert_eq(f.n, 4);
  cr_assert_str_eq(f.orders[0].json, "{\"a\":1.50}", "as it came");
  cr_assert_eq(f.orders[0].line, 1);
  cr_assert_eq(f.orders[1].line, 4);
  cr_assert_null(f.orders[1].json);
  cr_assert_eq(f.orders[1].chunk, -1);
  cr_assert_str_eq(f.orders[2].error, "not a JSON object");
  cr_assert_eq(f.orders[3].line, 6);
  cr_assert_eq(f.chunks, 1);
  batch_file_deinit(&f);
}

Test(batch_file, csv_to_json)
{
  cr_assert_eq(
      parse("tokenIn,amount,slippage,item_ids,note\nSOL,1.50,0.1,a;b,\n,x,much,c,\"\"\"\"\n"
            "SOL,1\n",
            BATCH_GUESS),
      ST_OK);
  cr_assert_eq(f.n, 3);
  cr_assert_str_eq(
      f.orders[0].json,
      "{\"tokenIn\":\"SOL\",\"amount\":\"1.50\",\"slippage\":0.1,\"item_ids\":[\"a\",\"b\"]}");
  cr_assert_str_eq(
      f.orders[1].json,
      "{\"amount\":\"x\",\"slippage\":\"much\",\"item_ids\":[\"c\"],\"note\":\"\\\"\"}");
  cr_assert_str_eq(f.orders[2].error, "not as many fields as the header has");
  cr_assert_eq(f.orders[2].line, 4);
  batch_file_deinit(&f);
}

Test(batch_file, what_is_no_file_of_orders)
{
  cr_assert_eq(parse("", BATCH_GUESS), ST_INVALID);
  cr_assert_eq(parse("a,b\n", BATCH_GUESS), ST_INVALID);
  cr_assert_str_eq(error, "there are no orders in it");
  cr_assert_eq(parse("\"a", BATCH_CSV), ST_INVALID);
  cr_assert_str_eq(error, "the header: a quote is not closed");
  cr_assert_eq(batch_file_parse(&f, "{}\0", 4, BATCH_GUESS, error, sizeof error), ST_INVALID);
  cr_assert_eq(batch_file_read(&f, "/nonexistent", BATCH_GUESS, error, sizeof error), ST_INVALID);
  cr_assert_str_eq(error, "No such file or directory");
}

Test(batch_file, chunks_by_number)
{
  enum { LINES = 2500 };
  static char text[LINES * 3 + 1];
  for (int i = 0; i < LINES; i++) memcpy(text + i * 3, "{}\n", 3);
  cr_assert_eq(parse(text, BATCH_NDJSON), ST_OK);
  batch_file_chunk(&f, 1000);
  cr_assert_eq(f.chunks, 3);
  cr_assert_eq(f.orders[999].chunk, 0);
  cr_assert_eq(f.orders[1000].chunk, 1);
  uint64_t hash = f.hash;
  batch_file_deinit(&f);
  memcpy(text, "{ }", 3);
  text[3] = '\n';
  cr_assert_eq(parse(text, BATCH_NDJSON), ST_OK);
  cr_assert_neq(f.hash, hash);
  batch_file_deinit(&f);
}

Test(batch_file, chunks_by_size)
{
  enum { LINES = 40, LEN = 60 << 10 };
  static char text[LINES * LEN + 1];
  for (int i = 0; i < LINES; i++) {
    char *line = text + i * LEN;
    memset(line, 'x', LEN);
    memcpy(line, "{\"a\":\"", 6);
    memcpy(line + LEN - 3, "\"}\n", 3);
  }
  cr_assert_eq(parse(text, BATCH_NDJSON), ST_OK);
  batch_file_chunk(&f, 1000);
  cr_assert_eq(f.n, LINES);
  cr_assert_eq(f.chunks, 3, "16 of 60 KiB are less than 1000 KiB");
  cr_assert_eq(f.orders[15].chunk, 0);
  cr_assert_eq(f.orders[16].chunk, 1);
  batch_file_deinit(&f);
  memset(text, 'x', sizeof text - 1);
  text[0] = '{';
  cr_assert_eq(parse(text, BATCH_NDJSON), ST_OK);
  cr_assert_str_eq(f.orders[0].error, "longer than 64 KiB");
  batch_file_deinit(&f);
}
