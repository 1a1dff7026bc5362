/* order_row.c - see order_row.h. */
#include "store/order_row.h"

#include "io/pg_value.h"

struct order order_row_read(const PGresult *r, int row)
{
  struct order o = {
      .id = pg_get_ulid(r, row, COL_ID),
      .client_order_id = (char *)pg_get_text(r, row, COL_OWN_ID),
      .group = (char *)pg_get_text(r, row, COL_GROUP),
      .type = (char *)pg_get_text(r, row, COL_TYPE),
      .status = (char *)pg_get_text(r, row, COL_STATUS),
      .phase = (enum ox_phase)pg_get_int4(r, row, COL_PHASE),
      .attempt = pg_get_int4(r, row, COL_ATTEMPT),
      .ver = pg_get_int4(r, row, COL_VER),
      .payload = (char *)pg_get_text(r, row, COL_PAYLOAD),
      .result = (char *)pg_get_text(r, row, COL_RESULT),
      .error = (char *)pg_get_text(r, row, COL_ERROR),
      .created_at_ms = pg_get_time_ms(r, row, COL_CREATED),
      .updated_at_ms = pg_get_time_ms(r, row, COL_UPDATED),
      .completed_at_ms = pg_get_time_ms(r, row, COL_COMPLETED),
  };
  if (!pg_is_null(r, row, COL_REDRIVE_OF)) o.redrive_of = pg_get_ulid(r, row, COL_REDRIVE_OF);
  return o;
}
