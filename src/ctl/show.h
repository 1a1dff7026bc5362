/* show.h - orders and their states, for people. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl/event.h"
#include "ctl/table.h"

/* show_json() writes one line: the answer as it came. */
void show_json(const char *text, size_t len);

void show_order(const char *text, size_t len, FILE *out);

/* show_members() writes a line for each member of an object, also of those inside it. */
void show_members(const char *text, size_t len, FILE *out);

/* The columns of a list of orders, and a row of it. */
extern const struct table_column show_columns[];
enum { SHOW_COLUMNS = 6 };
void show_row(struct table *t, const char *text, size_t len);

/* show_event() writes a line: when, how long after start_ms, the state and what came with it. */
void show_event(const struct event *e, int64_t start_ms, FILE *out);

#endif
