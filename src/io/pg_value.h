/*
 * pg_value.h - PostgreSQL's binary format: arrays for unnest(), and the cells of a result.
 * Pure; no connection.
 */
#ifndef IO_PG_VALUE_H
#define IO_PG_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ulid.h"

enum pg_oid {
  PG_BOOL = 16,
  PG_BYTEA = 17,
  PG_INT8 = 20,
  PG_INT2 = 21,
  PG_INT4 = 23,
  PG_TEXT = 25,
  PG_JSON = 114,
  PG_TIMESTAMPTZ = 1184,
  PG_UUID = 2950
};

/* A one-dimensional array under construction; reset it to use its memory again. Its elements are
 * values, or rows of a composite type: unnest() of one array of rows costs PostgreSQL a twelfth of
 * what it does of as many arrays as there are columns (35 rows of 23: 0.25 us a row and 3.05). */
struct pg_array {
  struct buf bytes;
  uint32_t n;
  bool has_null;
  uint32_t type;             /* the elements' OID: of values an enum pg_oid */
  const enum pg_oid *fields; /* rows: the types of their columns, borrowed; NULL: values */
  int n_fields, field;       /* rows: how many, and which is the next */
  size_t row;                /* where the row that was begun last is in bytes */
};

void pg_array_init(struct pg_array *a, enum pg_oid type);
void pg_array_deinit(struct pg_array *a);
void pg_array_reset(struct pg_array *a);
/* pg_array_rows() makes it an empty array of rows of type; pg_array_row() begins one, and what is
 * put after it are its columns, all of them, in their order. */
void pg_array_rows(struct pg_array *a, uint32_t type, const enum pg_oid *fields, int n_fields);
void pg_array_row(struct pg_array *a);
void pg_array_null(struct pg_array *a);
void pg_array_bool(struct pg_array *a, bool value);
void pg_array_int2(struct pg_array *a, int16_t value);
void pg_array_int4(struct pg_array *a, int32_t value);
void pg_array_int8(struct pg_array *a, int64_t value);
void pg_array_text(struct pg_array *a, const char *text);              /* also json; NULL: null */
void pg_array_bytes(struct pg_array *a, const void *data, size_t len); /* NULL: null */
void pg_array_ulid(struct pg_array *a, const struct ulid *id);
void pg_array_time(struct pg_array *a, int64_t unix_ms); /* timestamptz; 0: null */
/* pg_array_param() finishes the header and gives the bytes, borrowed until the next change. */
const void *pg_array_param(struct pg_array *a, int *len);

bool pg_is_null(const PGresult *r, int row, int col);
bool pg_get_bool(const PGresult *r, int row, int col);
int32_t pg_get_int4(const PGresult *r, int row, int col); /* int2 and int4 */
int64_t pg_get_int8(const PGresult *r, int row, int col);
struct ulid pg_get_ulid(const PGresult *r, int row, int col);
int64_t pg_get_time_ms(const PGresult *r, int row, int col);  /* timestamptz as Unix ms; null: 0 */
const char *pg_get_text(const PGresult *r, int row, int col); /* borrowed; null: NULL */
char *pg_dup_text(const PGresult *r, int row, int col);       /* gives; null: NULL */

/* Scalars as parameters, in network byte order. */
void pg_put_int8(unsigned char out[8], int64_t value);
void pg_put_int4(unsigned char out[4], int32_t value);

#endif
