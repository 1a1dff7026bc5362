/*
 * pg_value.c - the binary wire format of the types ox uses. Pure: no connection, no thread of its
 * own. An array's bytes belong to the array; what is read from a result points into the result.
 */
#include "io/pg_value.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/alloc.h"

/* The header of an array: dimensions, has-null, element type; then length and lower bound of its
 * one dimension. An empty array has no dimension. */
enum { HEADER = 20, HEADER_EMPTY = 12 };

enum { ARRAY_BYTES_MAX = 256 << 20 }; /* PostgreSQL itself takes no message over 1 GiB */

/* PostgreSQL counts microseconds from 2000-01-01. */
static const int64_t EPOCH_UNIX_MS = 946684800000;

void pg_put_int8(unsigned char out[8], int64_t value)
{
  uint64_t wire = htobe64((uint64_t)value);
  memcpy(out, &wire, sizeof wire);
}

void pg_put_int4(unsigned char out[4], int32_t value)
{
  uint32_t wire = htobe32((uint32_t)value);
  memcpy(out, &wire, sizeof wire);
}

void pg_array_init(struct pg_array *a, enum pg_oid type)
{
  *a = (struct pg_array){.type = type};
  buf_init(&a->bytes, ARRAY_BYTES_MAX);
}

void pg_array_deinit(struct pg_array *a)
{
  buf_deinit(&a->bytes);
}

void pg_array_reset(struct pg_array *a)
{
  buf_clear(&a->bytes);
  a->n = 0;
  a->has_null = false;
  a->fields = NULL;
}

void pg_array_rows(struct pg_array *a, uint32_t type, const enum pg_oid *fields, int n_fields)
{
  pg_array_reset(a);
  a->type = type;
  a->fields = fields;
  a->n_fields = a->field = n_fields;
}

static void put_int4(struct pg_array *a, int32_t value)
{
  unsigned char wire[4];

  pg_put_int4(wire, value);
  buf_append(&a->bytes, wire, sizeof wire);
}

static void begin_element(struct pg_array *a)
{
  if (a->n == 0) {
    buf_clear(&a->bytes);
    buf_append(&a->bytes, (const char[HEADER]){0}, HEADER);
  }
  a->n++;
}

/* The length of a row is known when it is over. */
static void end_row(struct pg_array *a)
{
  assert(a->field == a->n_fields);
  if (a->n > 0 && !a->bytes.overflow)
    pg_put_int4((unsigned char *)a->bytes.data + a->row, (int32_t)(a->bytes.len - a->row - 4));
}

void pg_array_row(struct pg_array *a)
{
  end_row(a);
  begin_element(a);
  a->row = a->bytes.len;
  put_int4(a, 0);
  put_int4(a, a->n_fields);
  a->field = 0;
}

/* The type of what comes next. */
static uint32_t next_type(const struct pg_array *a)
{
  if (!a->fields) return a->type;
  assert(a->field < a->n_fields);
  return a->fields[a->field];
}

/* One reservation for all of it: an order's row is a dozen of these, a step's two dozen. */
static void array_add(struct pg_array *a, const void *data, size_t len)
{
  size_t head = a->fields ? 8 : 4;
  unsigned char *at;

  assert(len <= ARRAY_BYTES_MAX);
  if (!a->fields) {
    begin_element(a);
    if (!data) a->has_null = true;
  }
  if (!data) len = 0;
  at = (unsigned char *)buf_reserve(&a->bytes, head + len);
  if (!at) {
    a->bytes.overflow = true;
    return;
  }
  if (a->fields) {
    pg_put_int4(at, (int32_t)next_type(a));
    a->field++;
  }
  pg_put_int4(at + head - 4, data ? (int32_t)len : -1);
  if (len) memcpy(at + head, data, len);
  buf_commit(&a->bytes, head + len);
}

void pg_array_null(struct pg_array *a)
{
  array_add(a, NULL, 0);
}

void pg_array_bool(struct pg_array *a, bool value)
{
  assert(next_type(a) == PG_BOOL);
  array_add(a, value ? "\1" : "\0", 1);
}

void pg_array_int2(struct pg_array *a, int16_t value)
{
  uint16_t wire = htobe16((uint16_t)value);

  assert(next_type(a) == PG_INT2);
  array_add(a, &wire, sizeof wire);
}

void pg_array_int4(struct pg_array *a, int32_t value)
{
  unsigned char wire[4];

  assert(next_type(a) == PG_INT4);
  pg_put_int4(wire, value);
  array_add(a, wire, sizeof wire);
}

void pg_array_int8(struct pg_array *a, int64_t value)
{
  unsigned char wire[8];

  assert(next_type(a) == PG_INT8);
  pg_put_int8(wire, value);
  array_add(a, wire, sizeof wire);
}

void pg_array_text(struct pg_array *a, const char *text)
{
  assert(next_type(a) == PG_TEXT || next_type(a) == PG_JSON);
  array_add(a, text, text ? strlen(text) : 0);
}

void pg_array_bytes(struct pg_array *a, const void *data, size_t len)
{
  assert(next_type(a) == PG_BYTEA || next_type(a) == PG_TEXT || next_type(a) == PG_JSON);
  array_add(a, data, len);
}

void pg_array_ulid(struct pg_array *a, const struct ulid *id)
{
  assert(next_type(a) == PG_UUID);
  array_add(a, id->bytes, sizeof id->bytes);
}

void pg_array_time(struct pg_array *a, int64_t unix_ms)
{
  unsigned char wire[8];

  assert(next_type(a) == PG_TIMESTAMPTZ);
  pg_put_int8(wire, (unix_ms - EPOCH_UNIX_MS) * 1000);
  array_add(a, unix_ms ? wire : NULL, sizeof wire);
}

const void *pg_array_param(struct pg_array *a, int *len)
{
  unsigned char *head;

  if (a->n == 0) {
    buf_clear(&a->bytes);
    buf_append(&a->bytes, (const char[HEADER_EMPTY]){0}, HEADER_EMPTY);
  }
  if (a->fields) end_row(a);
  assert(!a->bytes.overflow);
  head = (unsigned char *)a->bytes.data;
  pg_put_int4(head, a->n ? 1 : 0);
  pg_put_int4(head + 4, a->has_null);
  pg_put_int4(head + 8, (int32_t)a->type);
  if (a->n) {
    pg_put_int4(head + 12, (int32_t)a->n);
    pg_put_int4(head + 16, 1);
  }
  *len = (int)a->bytes.len;
  return head;
}

bool pg_is_null(const PGresult *r, int row, int col)
{
  return PQgetisnull(r, row, col);
}

bool pg_get_bool(const PGresult *r, int row, int col)
{
  return !pg_is_null(r, row, col) && *PQgetvalue(r, row, col) != 0;
}

int32_t pg_get_int4(const PGresult *r, int row, int col)
{
  uint16_t half;
  uint32_t whole;

  if (pg_is_null(r, row, col)) return 0;
  if (PQgetlength(r, row, col) == sizeof half) {
    memcpy(&half, PQgetvalue(r, row, col), sizeof half);
    return (int16_t)be16toh(half);
  }
  assert(PQgetlength(r, row, col) == sizeof whole);
  memcpy(&whole, PQgetvalue(r, row, col), sizeof whole);
  return (int32_t)be32toh(whole);
}

int64_t pg_get_int8(const PGresult *r, int row, int col)
{
  uint64_t wire;

  if (pg_is_null(r, row, col)) return 0;
  assert(PQgetlength(r, row, col) == sizeof wire);
  memcpy(&wire, PQgetvalue(r, row, col), sizeof wire);
  return (int64_t)be64toh(wire);
}

struct ulid pg_get_ulid(const PGresult *r, int row, int col)
{
  struct ulid id = {{0}};

  if (pg_is_null(r, row, col)) return id;
  assert(PQgetlength(r, row, col) == sizeof id.bytes);
  memcpy(id.bytes, PQgetvalue(r, row, col), sizeof id.bytes);
  return id;
}

int64_t pg_get_time_ms(const PGresult *r, int row, int col)
{
  int64_t us = pg_get_int8(r, row, col);
  int64_t ms = us / 1000;

  if (pg_is_null(r, row, col)) return 0;
  if (us % 1000 < 0) ms--; /* a moment is never shown before it came, also before 2000 */
  return ms + EPOCH_UNIX_MS;
}

const char *pg_get_text(const PGresult *r, int row, int col)
{
  return pg_is_null(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

char *pg_dup_text(const PGresult *r, int row, int col)
{
  const char *text = pg_get_text(r, row, col);
  return text ? mem_strndup(text, (size_t)PQgetlength(r, row, col)) : NULL;
}
