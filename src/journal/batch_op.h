/*
 * batch_op.h - a batch inside the journal, and what journal.c calls of it.
 */
#ifndef JOURNAL_BATCH_OP_H
#define JOURNAL_BATCH_OP_H

#include "journal/batch.h"
#include "journal/internal.h"

enum batch_state {
  BATCH_OPEN,    /* its caller's */
  BATCH_WAITING, /* to be sent */
  BATCH_SENT,
};

struct journal_batch {
  struct list_node node;
  struct journal *journal; /* NULL: it has closed */
  enum batch_state state;
  struct ulid id; /* the key's row names it */
  char *tenant, *key, *response;
  unsigned char key_hash[JOURNAL_HASH_LEN];
  struct accept_op **ops;
  size_t n, cap;
  int64_t deadline_ms;   /* from the first time it was sent */
  bool doubted;          /* a COMMIT's answer was lost */
  journal_batch_fn done; /* NULL: answered */
  void *arg;
};

void batch_open(struct journal *j);
void batch_turn(struct journal *j, int64_t now_ms);
void batch_expire(struct journal *j, int64_t now_ms);
void batch_close(struct journal *j);
bool batch_has_key(const struct journal *j, const char *tenant, const char *key);

#endif
