/*
 * channel.h - what the queue's users tell each other over Redis' pub/sub: hints, which may be lost.
 * Loop thread only.
 */
#ifndef QUEUE_CHANNEL_H
#define QUEUE_CHANNEL_H

#include "queue/queue.h"

/* An empty message: there is something to claim. */
const char *queue_wake_channel(const struct queue *q);
/* ULIDs with spaces between: whoever runs one of these orders is to stop. */
const char *queue_stop_channel(const struct queue *q);
/* Events: see event/subscriber.h. */
const char *queue_event_channel(const struct queue *q);

/* An empty message: somebody listens to events, for QUEUE_LISTENED_MS more. */
const char *queue_listen_channel(const struct queue *q);
enum { QUEUE_LISTENED_MS = 3000 };

/* An empty message: forget every cached answer. */
const char *queue_cache_channel(const struct queue *q);

/* queue_publish() sends text to the event channel, queue_tell_stopped() to the stop channel,
 * queue_tell_listening() to the listen channel. */
enum status queue_publish(struct queue *q, const char *text, size_t len) MUST_CHECK;
enum status queue_tell_listening(struct queue *q) MUST_CHECK;
enum status queue_tell_stopped(struct queue *q, const char *ids, size_t len) MUST_CHECK;

/* n: how many processes were told. */
typedef void (*queue_told_fn)(void *arg, enum status status, int64_t n);
/* queue_tell_caches() sends to the cache channel. */
enum status queue_tell_caches(struct queue *q, queue_told_fn done, void *arg) MUST_CHECK;

#endif
