/*
 * grant.h - who a caller is and what it may do, once that has been found true.
 */
#ifndef AUTH_GRANT_H
#define AUTH_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/scope.h"

enum { GRANT_CLIENT_MAX = 47 };

struct grant {
  char client[GRANT_CLIENT_MAX + 1]; /* whose orders it sees; "": auth is off, the one client */
  unsigned scopes;
  int64_t expires_at_ms; /* Unix time; GRANT_FOR_EVER with auth off */
};

#define GRANT_FOR_EVER INT64_MAX

/* grant_client_valid() is true of 1 to GRANT_CLIENT_MAX of A-Z a-z 0-9 _ . : - */
bool grant_client_valid(const char *id);

#endif
