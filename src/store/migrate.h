/*
 * migrate.h - brings the schema forward: sql/NNNN_*.sql, compiled into the daemon, each in a
 * transaction of its own, under an advisory lock, recorded with its checksum. Blocking; before the
 * loop runs.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct migration {
  int version;
  const char *name;
  const char *sql;
};

extern const struct migration migrations[]; /* generated from sql/ at build time */
extern const size_t n_migrations;

/* migrate_run() applies what is missing. ST_CONFLICT: a migration was changed after it was applied,
 * or the schema is newer than this program; ST_AWAY: no connection, or it broke; ST_BROKEN: the
 * server refused one, which was rolled back. error says which. */
enum status migrate_run(const char *url, char *error, size_t error_len) MUST_CHECK;

/* migrate_check() changes nothing; ST_CONFLICT also when something is missing. */
enum status migrate_check(const char *url, char *error, size_t error_len) MUST_CHECK;

/* The same for any list, by rising version. */
enum status migrate_apply(const char *url, const struct migration *list, size_t n, char *error,
                          size_t error_len) MUST_CHECK;
enum status migrate_verify(const char *url, const struct migration *list, size_t n, char *error,
                           size_t error_len) MUST_CHECK;

#endif
