/* witness.c - see witness.h. */
#include "workers/witness.h"

enum { DRIFT_PARTS = 1000 };

void witness_note(struct witness *w, int64_t queue_ms, int64_t sent_ns)
{
  *w = (struct witness){true, queue_ms, sent_ns};
}

int64_t witness_leap_ms(const struct witness *w, int64_t queue_ms, int64_t now_ns)
{
  if (!w->known) return 0;
  int64_t passed_ms = (now_ns - w->sent_ns) / 1000000;
  int64_t leap_ms = queue_ms - w->queue_ms - passed_ms;
  return leap_ms > WITNESS_TOLERANCE_MS + passed_ms / DRIFT_PARTS ? leap_ms : 0;
}
