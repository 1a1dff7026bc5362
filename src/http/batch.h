/*
 * batch.h - batches on their way: what api_init() opens and api_close() closes. Loop thread only.
 */
#ifndef HTTP_BATCH_H
#define HTTP_BATCH_H

#include <uv.h>

struct batches;

struct batches *batches_open(uv_loop_t *loop);
/* batches_close() answers those that are being read; before journal and reader are destroyed. NULL
 * is legal. */
void batches_close(struct batches *batches);

#endif
