/*
 * quoter.h - asking all venues at the same time: threads that do nothing but call quote(). The
 * worker asks one venue itself, quoters the others; whoever is late is left behind and its answer
 * dropped.
 */
#ifndef WORKERS_QUOTER_H
#define WORKERS_QUOTER_H

#include "workers/job.h"

struct quoter;

/* quoter_create() starts threads threads that serve env->quotes. */
struct quoter *quoter_create(struct mailbox *tasks, size_t threads);
void quoter_destroy(struct quoter *q); /* closes the mailbox, joins; a stuck venue delays it */

#endif
