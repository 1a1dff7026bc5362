/*
 * batch_state.h - what a batch has done, in a file beside the orders: which key each chunk goes
 * under, which were sent, which are done. What is to be sent is on the disk before it is sent, so
 * that a run after kill -9 asks for it again under the same key.
 *
 * DESIGN. Lines of JSON, appended and synced; a last line that is cut (the process died in it)
 * counts as not written. {"v":1,"key","url","hash","size"}, then {"sent":N,"at":MS} and
 * {"done":N,…} for chunk N. Two runs at once are kept apart by a lock on the file.
 */
#ifndef CTL_BATCH_STATE_H
#define CTL_BATCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct batch_state;

struct batch_identity {
  const char *url;
  uint64_t hash;
  size_t size; /* orders of a chunk */
};

/* batch_state_open() reads or makes the file; path NULL: none is kept. anew: what was there is
 * thrown away. identity->size is set to that of the file. ST_INVALID: error says why not; among
 * others the orders are not those it was made for. */
enum status batch_state_open(struct batch_state **out, const char *path, bool anew,
                             struct batch_identity *identity, char *error,
                             size_t error_len) MUST_CHECK;
void batch_state_close(struct batch_state *s);

bool batch_state_resumed(const struct batch_state *s);
const char *batch_state_key(const struct batch_state *s); /* that of a chunk begins with it */

/* sent_at: 0 when it was not sent. */
int64_t batch_state_sent_at(const struct batch_state *s, long chunk);
bool batch_state_done(const struct batch_state *s, long chunk, int64_t *placed, int64_t *failed);

/* What these say is on the disk when they return. false: it could not be written. */
bool batch_state_send(struct batch_state *s, long chunk) MUST_CHECK;
bool batch_state_finish(struct batch_state *s, long chunk, int64_t placed,
                        int64_t failed) MUST_CHECK;

#endif
