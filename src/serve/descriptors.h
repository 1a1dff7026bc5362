/*
 * descriptors.h - how many clients the limit of open files leaves room for. PostgreSQL, Redis and
 * the plugins come first: a process that cannot reconnect to them is of no use to any client.
 */
#ifndef SERVE_DESCRIPTORS_H
#define SERVE_DESCRIPTORS_H

#include <stdint.h>

struct connection_room {
  int64_t connections; /* at least one */
  int64_t refused;     /* beyond them, to be told so */
};

/* descriptors_reserve() raises the soft limit as far as wanted connections need it and the hard one
 * lets it; says in the log when there is room for fewer. Before any thread runs. */
struct connection_room descriptors_reserve(int64_t wanted);
/* descriptors_room() is what limit leaves of wanted. Pure. */
struct connection_room descriptors_room(int64_t limit, int64_t wanted);

#endif
