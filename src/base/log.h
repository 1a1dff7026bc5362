/*
 * log.h - one JSON object per line on stderr:
 *   {"time":"…Z","level":"info","msg":"listening","port":3000}
 * User text is escaped; a line over 4 KiB is cut and still valid JSON. Any thread; a line is
 * written with one write(2). Secrets are never passed to it.
 *
 *   LOG_INFO("order claimed", LOG_ORDER(&id), LOG_INT("attempt", 2));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ulid.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_ORDER };

struct log_field {
  const char *name;
  enum log_kind kind;
  const char *text; /* NULL prints as null */
  int64_t number;
  const struct ulid *id;
};

#define LOG_STR(name, text)  ((struct log_field){name, LOG_KIND_STR, text, 0, NULL})
#define LOG_INT(name, value) ((struct log_field){name, LOG_KIND_INT, NULL, value, NULL})
#define LOG_ORDER(id)        ((struct log_field){"orderId", LOG_KIND_ORDER, NULL, 0, id})

void log_set_level(enum log_level level);
void log_set_fd(int fd); /* default 2; tests read it back from a pipe */
bool log_enabled(enum log_level level);
enum log_level log_level_of(const char *word); /* of "info"; an unknown word is info too */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

#define LOG_AT(level, msg, ...)                                                                    \
  do {                                                                                             \
    if (log_enabled(level))                                                                        \
      log_write(level, msg,                                                                        \
                (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0, LOG_KIND_END, 0, 0, 0}}); \
  } while (0)
#define LOG_DEBUG(msg, ...) LOG_AT(LOG_LEVEL_DEBUG, msg __VA_OPT__(, ) __VA_ARGS__)
#define LOG_INFO(msg, ...)  LOG_AT(LOG_LEVEL_INFO, msg __VA_OPT__(, ) __VA_ARGS__)
#define LOG_WARN(msg, ...)  LOG_AT(LOG_LEVEL_WARN, msg __VA_OPT__(, ) __VA_ARGS__)
#define LOG_ERROR(msg, ...) LOG_AT(LOG_LEVEL_ERROR, msg __VA_OPT__(, ) __VA_ARGS__)

#endif
