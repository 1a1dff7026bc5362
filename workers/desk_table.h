/*
 * desk_table.h - struct ox_desk: what the plugins' endpoints may ask of this process. Any thread.
 */
#ifndef WORKERS_DESK_TABLE_H
#define WORKERS_DESK_TABLE_H

#include <ox/endpoint.h>

#include "journal/park.h"
#include "workers/venues.h"

struct desk_table {
  struct ox_desk table; /* first: the endpoint's handle is this */
  struct venues *venues;
  struct parks *parks;
};

void desk_table_init(struct desk_table *d, struct venues *venues, struct parks *parks);

#endif
