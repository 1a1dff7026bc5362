/*
 * pairs.h - names with values, as flags and .env give them. Private to this room.
 */
#ifndef CONFIG_PAIRS_H
#define CONFIG_PAIRS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct pair {
  char *name;
  char *value;
};

struct pairs {
  struct pair *list;
  size_t n;
};

void pairs_add(struct pairs *p, char *name, char *value);       /* takes both */
const char *pairs_get(const struct pairs *p, const char *name); /* the last one, or NULL */
void pairs_deinit(struct pairs *p);

/* flags_read() reads --some-key VALUE, --some-key=VALUE and switches as SOME_KEY. Every wrong one
 * is a line in errors. */
enum status flags_read(int argc, char **argv, struct pairs *out, struct buf *errors) MUST_CHECK;

/* dotenv_read() reads a file of KEY=value lines: # comments, "export ", single quotes (as it is) or
 * double ones (\n \" \\ \$), no expansion. No file, no pairs. Wrong lines are named in errors. */
enum status dotenv_read(const char *path, struct pairs *out, struct buf *errors) MUST_CHECK;

#endif
