/*
 * internal.h - what the files of this room share. Loop thread only.
 */
#ifndef AUTH_INTERNAL_H
#define AUTH_INTERNAL_H

#include "auth/auth.h"
#include "auth/jwt.h"
#include "base/alloc.h"
#include "io/pg.h"
#include "io/pg_value.h"

enum {
  KNOWN_MAX = 1024, /* tokens that are kept */
  OWN_SECRET_LEN = 64,
};

/* A token that was found good. */
struct known {
  char *token;
  size_t len;
  struct grant grant;
};

/* Logins on their way; see login.c. */
struct logins {
  struct list waiting; /* for a thread */
  int hashing;
  struct throttle *by_client, *by_address; /* of failures */
};

struct auth {
  uv_loop_t *loop;
  struct jwt_terms terms;
  int64_t ttl_s;
  char own_secret[OWN_SECRET_LEN];
  struct pg_conn *conn;
  uv_timer_t tick;
  int64_t read_at_ms; /* monotonic: when the list below was asked for */
  bool reading;
  bool ready;
  char **barred; /* sorted */
  size_t n_barred;
  struct list guards;
  struct logins logins;
  struct known known[KNOWN_MAX];
  bool closing;
  int open; /* the connection, the timer, and every login */
  void (*on_closed)(void *arg);
  void *closed_arg;
};

bool auth_is_barred(const struct auth *a, const char *client);
void auth_part_closed(struct auth *a);

void logins_init(struct logins *l);
void logins_close(struct auth *a); /* answers who waits */
void logins_deinit(struct logins *l);

#endif
