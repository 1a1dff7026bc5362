/* pg_value_test.c - the bytes of arrays, and the cells of a result that libpq lets us make. */
#include "io/pg_value.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static PGresult *one_cell(const void *data, int len)
{
  PGresAttDesc column = {.name = "c", .format = 1, .typlen = -1};
  PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

  cr_assert(PQsetResultAttrs(r, 1, &column));
  cr_assert(PQsetvalue(r, 0, 0, (char *)data, data ? len : -1));
  return r;
}

static int64_t time_of(int64_t postgres_us)
{
  unsigned char wire[8];
  PGresult *r;
  int64_t ms;

  pg_put_int8(wire, postgres_us);
  r = one_cell(wire, 8);
  ms = pg_get_time_ms(r, 0, 0);
  PQclear(r);
  return ms;
}

Test(pg_array, rows_are_their_columns_each_with_its_type)
{
  static const enum pg_oid FIELDS[] = {PG_INT4, PG_TEXT};
  static const unsigned char WANT[] = {
      0, 0, 0, 1,  0,   0,   0,   0,   0,   0,   0x13, 0x88, 0,   0,   0,   2,
      0, 0, 0, 1,                                                                /* the array */
      0, 0, 0, 24, 0,   0,   0,   2,                                             /* a row */
      0, 0, 0, 23, 0,   0,   0,   4,   0,   0,   0,    7,                        /* 7 */
      0, 0, 0, 25, 255, 255, 255, 255,                                           /* null */
      0, 0, 0, 23, 0,   0,   0,   2,   0,   0,   0,    23,   255, 255, 255, 255, /* another */
      0, 0, 0, 25, 0,   0,   0,   3,   'a', 'b', 'c'};
  struct pg_array a;
  int len;

  pg_array_init(&a, PG_TEXT);
  for (int i = 0; i < 2; i++) {
    pg_array_rows(&a, 5000, FIELDS, 2);
    pg_array_row(&a);
    pg_array_int4(&a, 7);
    pg_array_null(&a);
    pg_array_row(&a);
    pg_array_null(&a);
    pg_array_text(&a, "abc");
    const void *bytes = pg_array_param(&a, &len);
    cr_assert_eq(len, sizeof WANT);
    cr_assert_arr_eq(bytes, WANT, sizeof WANT);
  }
  pg_array_rows(&a, 5000, FIELDS, 2);
  (void)pg_array_param(&a, &len);
  cr_assert_eq(len, 12, "none: no dimension");
  pg_array_deinit(&a);
}

Test(pg_array, empty_has_no_dimension)
{
  static const unsigned char WANT[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25};
  struct pg_array a;
  int len;

  pg_array_init(&a, PG_TEXT);
  for (int i = 0; i < 2; i++) {
    const void *bytes = pg_array_param(&a, &len);
    cr_assert_eq(len, sizeof WANT);
    cr_assert_arr_eq(bytes, WANT, sizeof WANT);
  }
  pg_array_deinit(&a);
}

Test(pg_array, elements_follow_the_header)
{
  static const unsigned char WANT[] = {
      0,    0,    0,    1,    0,   0,   0, 1, 0, 0, 0, 25, 0, 0, 0, 3, 0, 0, 0, 1, /* header */
      0,    0,    0,    2,    'a', 'b',                                            /* text */
      0xff, 0xff, 0xff, 0xff,                                                      /* null */
      0,    0,    0,    0,                                                         /* empty text */
  };
  struct pg_array a;
  const void *bytes;
  int len;

  pg_array_init(&a, PG_TEXT);
  pg_array_text(&a, "ab");
  pg_array_text(&a, NULL);
  pg_array_text(&a, "");
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, sizeof WANT);
  cr_assert_arr_eq(bytes, WANT, sizeof WANT);
  pg_array_deinit(&a);
}

Test(pg_array, goes_on_after_param_and_starts_again_after_reset)
{
  struct pg_array a;
  const unsigned char *bytes;
  int len;

  pg_array_init(&a, PG_INT4);
  (void)pg_array_param(&a, &len);
  pg_array_int4(&a, -1);
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, 28);
  pg_array_int4(&a, 7);
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, 36);
  cr_assert_eq(bytes[15], 2);
  cr_assert_eq(bytes[7], 0);
  pg_array_null(&a);
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(bytes[7], 1, "has-null");
  pg_array_reset(&a);
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, 12);
  cr_assert_eq(bytes[7], 0);
  pg_array_deinit(&a);
}

Test(pg_array, scalars_are_big_endian)
{
  static const unsigned char INT8[] = {0x80, 0, 0, 0, 0, 0, 0, 1},
                             INT4[] = {0xff, 0xff, 0xff, 0xfe};
  unsigned char out[8];

  pg_put_int8(out, INT64_MIN + 1);
  cr_assert_arr_eq(out, INT8, 8);
  pg_put_int4(out, -2);
  cr_assert_arr_eq(out, INT4, 4);
}

Test(pg_array, bytes_and_times)
{
  struct pg_array a;
  const unsigned char *bytes;
  int len;

  pg_array_init(&a, PG_BYTEA);
  pg_array_bytes(&a, "\0\1", 2);
  pg_array_bytes(&a, NULL, 5);
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, 20 + 6 + 4);
  cr_assert_eq(bytes[25], 1);
  pg_array_deinit(&a);

  pg_array_init(&a, PG_TIMESTAMPTZ);
  pg_array_time(&a, 946684800001); /* a millisecond into 2000 */
  bytes = pg_array_param(&a, &len);
  cr_assert_eq(len, 32);
  cr_assert_eq(bytes[31] | bytes[30] << 8, 1000);
  pg_array_deinit(&a);
}

Test(pg_cell, times_are_rounded_down)
{
  cr_assert_eq(time_of(0), 946684800000);
  cr_assert_eq(time_of(1999), 946684800001);
  cr_assert_eq(time_of(-1), 946684799999);
  cr_assert_eq(time_of(-1000), 946684799999);
  cr_assert_eq(time_of(-946684800000000), 0);
}

Test(pg_cell, null_reads_as_nothing)
{
  PGresult *r = one_cell(NULL, 0);
  struct ulid id = pg_get_ulid(r, 0, 0);

  cr_assert(pg_is_null(r, 0, 0));
  cr_assert_not(pg_get_bool(r, 0, 0));
  cr_assert_eq(pg_get_int4(r, 0, 0), 0);
  cr_assert_eq(pg_get_int8(r, 0, 0), 0);
  cr_assert_eq(pg_get_time_ms(r, 0, 0), 0);
  cr_assert_null(pg_get_text(r, 0, 0));
  cr_assert_null(pg_dup_text(r, 0, 0));
  for (int i = 0; i < 16; i++) cr_assert_eq(id.bytes[i], 0);
  PQclear(r);
}

Test(pg_cell, int2_and_int4_keep_their_sign)
{
  PGresult *half = one_cell("\xff\xfd", 2), *whole = one_cell("\x80\0\0\0", 4);

  cr_assert_eq(pg_get_int4(half, 0, 0), -3);
  cr_assert_eq(pg_get_int4(whole, 0, 0), INT32_MIN);
  PQclear(half);
  PQclear(whole);
}

Test(pg_cell, text_is_borrowed_or_given)
{
  PGresult *r = one_cell("{\"a\":1}", 7);
  char *copy = pg_dup_text(r, 0, 0);

  cr_assert_str_eq(pg_get_text(r, 0, 0), "{\"a\":1}");
  PQclear(r);
  cr_assert_str_eq(copy, "{\"a\":1}");
  free(copy);
}
