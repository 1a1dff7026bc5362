/* JSON: what the writer puts out is parsed again by jansson; what is not strict JSON is refused. */
#include "base/json.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* ── writing ─────────────────────────────────────────────────────────────────────────────────── */

static struct buf out;
static struct json_writer w;

static void start(void)
{
  buf_init(&out, 1 << 20);
  json_writer_init(&w, &out);
}

static void end(void)
{
  buf_deinit(&out);
}

TestSuite(json, .init = start, .fini = end);

static void expect(const char *text)
{
  cr_assert_str_eq(out.data, text);
  json_t *parsed = json_loads(out.data, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
  cr_assert_not_null(parsed);
  json_decref(parsed);
}

Test(json, writes_every_kind)
{
  json_begin(&w, NULL);
  json_str(&w, "s", "a\"b");
  json_str(&w, "none", NULL);
  json_strn(&w, "part", "abcdef", 3);
  json_strn(&w, "empty", "", 0);
  json_int(&w, "i", INT64_MIN);
  json_uint_str(&w, "u", UINT64_MAX);
  json_bool(&w, "yes", true);
  json_bool(&w, "no", false);
  json_nil(&w, "nil");
  json_time(&w, "t", 1769855400123);
  json_time(&w, "never", 0);
  json_raw(&w, "raw", "[1, 2]", 6);
  json_end(&w);
  expect(
      "{\"s\":\"a\\\"b\",\"none\":null,\"part\":\"abc\",\"empty\":\"\",\"i\":-9223372036854775808,"
      "\"u\":\"18446744073709551615\",\"yes\":true,\"no\":false,\"nil\":null,"
      "\"t\":\"2026-01-31T10:30:00.123Z\",\"never\":null,\"raw\":[1, 2]}");
}

Test(json, commas_in_nests)
{
  json_begin_array(&w, NULL);
  json_begin(&w, NULL);
  json_end(&w);
  json_begin_array(&w, NULL);
  json_end_array(&w);
  json_begin(&w, NULL);
  json_begin(&w, "a");
  json_begin_array(&w, "b");
  json_int(&w, NULL, 1);
  json_str(&w, NULL, "x");
  json_begin_array(&w, NULL);
  json_nil(&w, NULL);
  json_end_array(&w);
  json_bool(&w, NULL, true);
  json_end_array(&w);
  json_int(&w, "c", 2);
  json_end(&w);
  json_int(&w, "d", 3);
  json_end(&w);
  json_int(&w, NULL, 4);
  json_end_array(&w);
  expect("[{},[],{\"a\":{\"b\":[1,\"x\",[null],true],\"c\":2},\"d\":3},4]");
}

Test(json, a_root_that_is_no_container)
{
  json_str(&w, NULL, "x");
  expect("\"x\"");
}

Test(json, keys_are_escaped_too)
{
  json_begin(&w, NULL);
  json_int(&w, "a\"\n\xff", 1);
  json_end(&w);
  expect("{\"a\\\"\\n\xef\xbf\xbd\":1}");
}

Test(json, raw_text_that_ends_itself)
{
  static const char *const yes[] = {"{}", "[1,{\"a\":\"]}\"}]", " { } ", "\"a,b\"", "12", "null"};
  static const char *const no[] = {"",    " ",       ",",    "{},{}", "{}}", "{},\"a\":1",
                                   "1,2", "\"a\",1", "{} 1", "}",     "]"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    cr_expect(json_raw_ends_itself(yes[i], strlen(yes[i])), "%s", yes[i]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    cr_expect_not(json_raw_ends_itself(no[i], strlen(no[i])), "%s", no[i]);
}

static void members(const char *object)
{
  json_members(&w, object, strlen(object));
}

Test(json, members_of_another_object)
{
  json_begin(&w, NULL);
  members("{}");
  members("");
  members(" { } ");
  members("[1]");
  members("null");
  members("12");
  members("{\"a\": 1}");
  members("{}");
  members("\n{ \"b\":{\"x\":[]} , \"c\":2 }\t");
  json_int(&w, "d", 3);
  members("{}");
  json_end(&w);
  expect("{\"a\": 1,\"b\":{\"x\":[]} , \"c\":2,\"d\":3}");
}

Test(json, members_alone)
{
  json_begin(&w, NULL);
  members("{}");
  json_end(&w);
  expect("{}");
}

Test(json, past_the_maximum_nothing_is_half_written)
{
  struct buf small;
  buf_init(&small, 20);
  struct json_writer sw;
  json_writer_init(&sw, &small);
  json_begin(&sw, NULL);
  for (int i = 0; i < 10; i++) json_str(&sw, "key", "value");
  json_end(&sw);
  cr_assert(small.overflow);
  cr_assert_leq(small.len, 20);
  buf_deinit(&small);
}

Test(json, any_bytes_make_a_valid_string)
{
  unsigned seed = 1;
  for (int round = 0; round < 2000; round++) {
    char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) {
      seed = seed * 1103515245u + 12345u;
      bytes[i] = (char)(seed >> 16);
    }
    buf_clear(&out);
    json_writer_init(&w, &out);
    json_strn(&w, NULL, bytes, sizeof bytes);
    json_t *parsed = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert_not_null(parsed);
    json_decref(parsed);
  }
}

/* ── reading ─────────────────────────────────────────────────────────────────────────────────── */

static struct json_object parse(const char *text)
{
  struct json_object o = {0};
  char error[256] = "";
  cr_assert_eq(json_object_parse(text, strlen(text), &o, error, sizeof error), ST_OK, "%s: %s",
               text, error);
  return o;
}

static void expect_field(const struct json_object *o, size_t i, const char *name,
                         enum ox_field_kind kind, const char *text)
{
  cr_assert_lt(i, o->n_fields);
  cr_assert_str_eq(o->fields[i].name, name);
  cr_assert_eq(o->fields[i].kind, kind, "%s", name);
  cr_assert_str_eq(o->fields[i].text, text);
  cr_assert_eq(o->fields[i].len, strlen(text));
}

Test(json, reads_every_kind_in_order)
{
  struct json_object o =
      parse(" {\"z\" : \"text\", \"a\":1.50,\"t\":true ,\"f\":false\n,\"n\":null,"
            "\"l\":[1, {\"x\":\"]}\"}],\"o\":{ \"y\":{} },\"e\":\"\"} ");
  cr_assert_eq(o.n_fields, 8);
  expect_field(&o, 0, "z", OX_FIELD_STRING, "text");
  expect_field(&o, 1, "a", OX_FIELD_NUMBER, "1.50");
  expect_field(&o, 2, "t", OX_FIELD_BOOL, "true");
  expect_field(&o, 3, "f", OX_FIELD_BOOL, "false");
  expect_field(&o, 4, "n", OX_FIELD_NULL, "null");
  expect_field(&o, 5, "l", OX_FIELD_JSON, "[1, {\"x\":\"]}\"}]");
  expect_field(&o, 6, "o", OX_FIELD_JSON, "{ \"y\":{} }");
  expect_field(&o, 7, "e", OX_FIELD_STRING, "");
  json_object_deinit(&o);
  json_object_deinit(&o);
  cr_assert_eq(o.n_fields, 0, "deinit twice is harmless");
}

Test(json, numbers_keep_their_text)
{
  static const char *const numbers[] = {
      "0",
      "-0",
      "1",
      "1.0",
      "1.10",
      "1e5",
      "1E+5",
      "1e-9",
      "-1.5e-3",
      "1e308",
      "1e-400",
      "9223372036854775808",
      "123456789012345678901234567890.123456789012345678901234567890",
  };
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    char text[256];
    snprintf(text, sizeof text, "{\"a\":%s,\"b\":[%s],\"c\":%s}", numbers[i], numbers[i],
             numbers[i]);
    struct json_object o = parse(text);
    expect_field(&o, 0, "a", OX_FIELD_NUMBER, numbers[i]);
    expect_field(&o, 2, "c", OX_FIELD_NUMBER, numbers[i]);
    json_object_deinit(&o);
  }
}

Test(json, strings_are_unescaped)
{
  struct json_object o = parse(
      "{\"a\\\"b\":\"\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\",\"\\u0063\":\"}\",\"\":\"{\\\"\"}");
  expect_field(&o, 0, "a\"b", OX_FIELD_STRING, "\"\\/\n\xc3\xa9\xf0\x9f\x98\x80");
  expect_field(&o, 1, "c", OX_FIELD_STRING, "}");
  expect_field(&o, 2, "", OX_FIELD_STRING, "{\"");
  json_object_deinit(&o);
}

Test(json, the_text_is_not_borrowed)
{
  char text[] = "{\"a\":12,\"b\":\"x\",\"c\":[3]}";
  struct json_object o = parse(text);
  memset(text, '!', sizeof text - 1);
  expect_field(&o, 0, "a", OX_FIELD_NUMBER, "12");
  expect_field(&o, 1, "b", OX_FIELD_STRING, "x");
  expect_field(&o, 2, "c", OX_FIELD_JSON, "[3]");
  json_object_deinit(&o);
}

Test(json, the_text_need_not_end_in_a_nul)
{
  struct json_object o;
  char error[256];
  cr_assert_eq(json_object_parse("{\"a\":1}2", 7, &o, error, sizeof error), ST_OK);
  expect_field(&o, 0, "a", OX_FIELD_NUMBER, "1");
  json_object_deinit(&o);
}

Test(json, nothing_in_it)
{
  struct json_object o = parse("{}");
  cr_assert_eq(o.n_fields, 0);
  json_object_deinit(&o);
  o = parse(" {\t\n} ");
  cr_assert_eq(o.n_fields, 0);
  json_object_deinit(&o);
}

Test(json, many_members_stay_in_order)
{
  enum { N = 5000 };
  json_begin(&w, NULL);
  for (int i = 0; i < N; i++) {
    char name[16];
    snprintf(name, sizeof name, "k%d", i * 7919 % N);
    json_int(&w, name, i);
  }
  json_end(&w);
  struct json_object o = parse(out.data);
  cr_assert_eq(o.n_fields, N);
  for (int i = 0; i < N; i++) {
    char name[16], value[16];
    snprintf(name, sizeof name, "k%d", i * 7919 % N);
    snprintf(value, sizeof value, "%d", i);
    expect_field(&o, (size_t)i, name, OX_FIELD_NUMBER, value);
  }
  json_object_deinit(&o);
}

static void refuse(const char *text, size_t len, const char *why)
{
  struct json_object o = {.n_fields = 77};
  char error[256] = "";
  cr_assert_eq(json_object_parse(text, len, &o, error, sizeof error), ST_INVALID, "%s", text);
  cr_assert_eq(o.n_fields, 77, "left alone");
  cr_assert_not_null(strstr(error, why), "%s: %s", text, error);
}

#define REFUSE(text, why) refuse(text, sizeof text - 1, why)

/* Beyond a double, but a number: its text is kept, and whoever reads it says that it is too large.
 */
Test(json, numbers_beyond_a_double_keep_their_text)
{
  struct json_object o = parse("{\"a\":1e400,\"e9\":\"1e999\",\"b\":[-2E+999],\"c\":1}");
  cr_assert_eq(o.n_fields, 4);
  cr_assert_str_eq(o.fields[0].text, "1e400");
  cr_assert_str_eq(o.fields[1].name, "e9");
  cr_assert_str_eq(o.fields[1].text, "1e999");
  cr_assert_str_eq(o.fields[2].text, "[-2E+999]");
  json_object_deinit(&o);
}

Test(json, what_is_refused)
{
  REFUSE("", "there is nothing");
  REFUSE(" \n\t\r", "there is nothing");
  REFUSE("[]", "a JSON object was expected");
  REFUSE("[{\"a\":1}]", "a JSON object was expected");
  REFUSE("\"a\"", "expected near");
  REFUSE("1", "expected near");
  REFUSE("null", "expected near");
  REFUSE("{", "line 1");
  REFUSE("{\"a\"", "line 1");
  REFUSE("{\"a\":", "line 1");
  REFUSE("{\"a\":1", "line 1");
  REFUSE("{\"a\":1,}", "line 1");
  REFUSE("{\"a\":1}}", "end of file expected");
  REFUSE("{\"a\":1} x", "end of file expected");
  REFUSE("{\"a\":1}{}", "end of file expected");
  REFUSE("{\"a\":1}\0", "NUL");
  REFUSE("{\"a\":1\0}", "NUL");
  REFUSE("{\n\n\"a\":1 \"b\":2}", "line 3");
  REFUSE("{'a':1}", "line 1");
  REFUSE("{a:1}", "line 1");
  REFUSE("{\"a\":01}", "line 1");
  REFUSE("{\"a\":.5}", "line 1");
  REFUSE("{\"a\":5.}", "line 1");
  REFUSE("{\"a\":+5}", "line 1");
  REFUSE("{\"a\":NaN}", "line 1");
  REFUSE("{\"a\":Infinity}", "line 1");
  REFUSE("{\"a\":0x1}", "line 1");
  REFUSE("{\"a\":True}", "line 1");
  REFUSE("{\"a\":1 /* x */}", "line 1");
  REFUSE("{\"a\":1e400,}", "line 1");
  REFUSE("{\"a\":1e}", "line 1");
  REFUSE("{\"a\":1,\"a\":2}", "duplicate");
  REFUSE("{\"a\":1,\"\\u0061\":2}", "duplicate");
  REFUSE("{\"a\":{\"b\":1,\"b\":1}}", "duplicate");
  REFUSE("{\"a\":\"\\u0000\"}", "\\u0000");
  REFUSE("{\"\\u0000\":1}", "line 1");
  REFUSE("{\"a\":\"\0\"}", "NUL");
  REFUSE("{\"a\":\"\n\"}", "line 1");
  REFUSE("{\"a\":\"\\x\"}", "line 1");
  REFUSE("{\"a\":\"\\ud800\"}", "line 1");
  REFUSE("{\"a\":\"\xff\"}", "unable to decode");
  REFUSE("{\"a\":\"\xc0\x80\"}", "unable to decode");
  REFUSE("{\"a\":\"\xed\xa0\x80\"}", "unable to decode");
  REFUSE("\xef\xbb\xbf{}", "line 1");
  REFUSE("{\"a", "line 1");
  REFUSE("{\"a\\", "line 1");
}

enum { SIZE = 1 << 20 };

/* {"a": and so on, depth levels in all, then what closes them. */
static size_t nested(char *text, int depth, const char *open, const char *close)
{
  size_t n = (size_t)snprintf(text, SIZE, "{\"a\":");
  for (int i = 1; i < depth; i++) n += (size_t)snprintf(text + n, SIZE - n, "%s", open);
  n += (size_t)snprintf(text + n, SIZE - n, "1");
  for (int i = 1; i < depth; i++) n += (size_t)snprintf(text + n, SIZE - n, "%s", close);
  n += (size_t)snprintf(text + n, SIZE - n, "}");
  return n;
}

Test(json, sixteen_levels_and_no_more)
{
  static char text[SIZE];
  static const char *const forms[][2] = {{"[", "]"}, {"{\"b\":", "}"}};
  for (int i = 0; i < 2; i++) {
    nested(text, 16, forms[i][0], forms[i][1]);
    struct json_object o = parse(text);
    cr_assert_eq(o.n_fields, 1);
    json_object_deinit(&o);
    refuse(text, nested(text, 17, forms[i][0], forms[i][1]), "deeper than 16");
    refuse(text, nested(text, 100000, forms[i][0], forms[i][1]), "deeper than 16");
  }
  memset(text, '[', sizeof text);
  refuse(text, sizeof text, "deeper than 16");
}

Test(json, brackets_in_strings_no_nest)
{
  struct json_object o =
      parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\",\"b\":\"\\\"[[[[[[[[[[[[[[[[[[[[\"}");
  cr_assert_eq(o.n_fields, 2);
  json_object_deinit(&o);
  o = parse("{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}");
  json_object_deinit(&o);
}

Test(json, an_error_fits_its_room)
{
  struct json_object o;
  char error[8];
  memset(error, 'x', sizeof error);
  cr_assert_eq(json_object_parse("[", 1, &o, error, sizeof error), ST_INVALID);
  cr_assert_eq(strlen(error), sizeof error - 1);
}

Test(json, fields_are_written_as_they_came)
{
  static const char text[] =
      "{\"a\":1.50,\"b\":\"x\\\"\\n\",\"c\":[1, 2],\"d\":null,\"e\":true,\"\\n\":1E5}";
  struct json_object o = parse(text);
  json_begin(&w, NULL);
  for (size_t i = 0; i < o.n_fields; i++) json_field_write(&w, &o.fields[i]);
  json_end(&w);
  expect(text);
  json_object_deinit(&o);
}

/* Any damage to a good text is refused or read without reading where there is nothing (ASan). */
Test(json, damaged_texts)
{
  static const char good[] =
      "{\"a\":1.5,\"b\":[{\"c\":\"\\\"]\"},2],\"d\":{\"e\":\"}\"},\"f\":true}";
  static const char bytes[] = "{}[]\",:\\0e. \n\xff";
  for (size_t i = 0; i < sizeof good - 1; i++) {
    for (size_t j = 0; j < sizeof bytes; j++) {
      char *text = strndup(good, sizeof good - 1), error[256];
      text[i] = bytes[j];
      struct json_object o = {0};
      if (json_object_parse(text, sizeof good - 1, &o, error, sizeof error) == ST_OK)
        json_object_deinit(&o);
      char *cut = memcpy(malloc(i + 1), text, i + 1);
      if (json_object_parse(cut, i + 1, &o, error, sizeof error) == ST_OK) json_object_deinit(&o);
      free(cut);
      free(text);
    }
  }
}

/* What is plain is read by a shorter way. With a name that has to be unescaped in front of the same
 * members nothing is plain: both ways must say the same. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
  *seed = *seed * 1664525 + 1013904223;
  return (uint32_t)((uint64_t)*seed * below >> 32);
}

static const char *const pieces[] = {
    "\"a\"",    "\"b\"",  "\"\"",    "\"long name\"",
    ":",        ":",      ":",       ",",
    ",",        "}",      "{",       "[1]",
    " ",        "\n",     "0",       "-0",
    "-",        "1.5",    "1.",      ".5",
    "01",       "1e400",  "2E-3",    "1e",
    "+1",       "true",   "false",   "nul",
    "t",        "null",   "\"\\n\"", "\"é\"",
    "\"\x7f\"", "\"\t\"", "\xff",    "\"",
    "x",
};

enum { VALUES = 14, PIECES = sizeof pieces / sizeof *pieces }; /* values begin there */

static void compare(const char *members, size_t *equal)
{
  struct json_object a, b;
  char text[512], slow[512], error[200];
  int len = snprintf(text, sizeof text, "{%s", members);
  int slow_len = snprintf(slow, sizeof slow, "{\"\\u0001\":1,%s", members);
  enum status status = json_object_parse(text, (size_t)len, &a, error, sizeof error);
  cr_assert_eq(json_object_parse(slow, (size_t)slow_len, &b, error, sizeof error), status, "%s",
               text);
  if (status != ST_OK) return;
  cr_assert_eq(a.n_fields + 1, b.n_fields, "%s", text);
  for (size_t i = 0; i < a.n_fields; i++) {
    const struct ox_field *x = &a.fields[i], *y = &b.fields[i + 1];
    cr_assert_str_eq(x->name, y->name);
    cr_assert_str_eq(x->text, y->text);
    cr_assert(x->kind == y->kind && x->len == y->len && strlen(x->text) == x->len, "%s", text);
  }
  ++*equal;
  json_object_deinit(&a);
  json_object_deinit(&b);
}

/* Members, and some noise between and behind them. */
static void compose(uint32_t *seed, struct buf *members)
{
  buf_clear(members);
  for (uint32_t i = 0, of = 1 + draw(seed, 5); i < of; i++) {
    bool member = draw(seed, 4) > 0;
    if (member && i) buf_append_char(members, ',');
    if (member) {
      buf_append_str(members, pieces[draw(seed, 4)]);
      buf_append_char(members, ':');
    }
    buf_append_str(members,
                   pieces[member ? VALUES + draw(seed, PIECES - 2 - VALUES) : draw(seed, PIECES)]);
  }
  if (draw(seed, 8)) buf_append_char(members, '}');
}

Test(json, plain_texts_mean_the_same_as_others)
{
  uint32_t seed = 1;
  size_t equal = 0;
  for (int n = 0; n < 60000; n++) {
    compose(&seed, &out);
    if (out.data[strspn(out.data, " \n")] != '}') compare(out.data, &equal);
  }
  cr_assert_gt(equal, 2000);
}

/* ── arrays ─────────────────────────────────────────────────────────────────────────────────── */

static void expect_items(const char *text, const char *expected)
{
  struct json_items items;
  char got[256] = "";
  cr_assert_eq(json_items_split(text, strlen(text), 8, &items), ST_OK, "%s: %s", text, items.error);
  for (size_t i = 0; i < items.n; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s|", (int)items.items[i].len,
             items.items[i].text);
  cr_assert_str_eq(got, expected);
  json_items_deinit(&items);
}

Test(json_items, are_found_by_their_ends_alone)
{
  expect_items("[]", "");
  expect_items(" [ ]\n", "");
  expect_items("[1,\"a,]\", null ,{\"x\":[1,2]},[ ]]", "1|\"a,]\"|null|{\"x\":[1,2]}|[ ]|");
  expect_items("[\"\\\"]\",{\"}\":\"]\"}]", "\"\\\"]\"|{\"}\":\"]\"}|");
  expect_items("[nonsense,{]]", "nonsense|{]|");
}

Test(json_items, of_what_is_no_array)
{
  static const char *const texts[] = {"",     " ",    "{}",    "1",         "[",
                                      "[1",   "[1,",  "[1,]",  "[,1]",      "[1 2]",
                                      "[1]2", "[1]]", "[\"a]", "[{\"a\":1]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct json_items items;
    cr_assert_eq(json_items_split(texts[i], strlen(texts[i]), 8, &items), ST_INVALID, "%s",
                 texts[i]);
    cr_assert_not_null(items.error);
    cr_assert_eq(items.n, 0);
  }
}

Test(json_items, so_many_and_no_more)
{
  struct json_items items;
  expect_items("[1,2,3,4,5,6,7,8]", "1|2|3|4|5|6|7|8|");
  cr_assert_eq(json_items_split("[1,2,3,4,5,6,7,8,9]", 19, 8, &items), ST_FULL);
  cr_assert_eq(json_items_split("[1,2,3,4,5,6,7,8,", 17, 8, &items), ST_FULL);
}
