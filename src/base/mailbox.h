/*
 * mailbox.h - a bounded queue of pointers between threads: the only mutable state they share.
 * Any number of posters and takers. What was posted belongs to the taker and is not touched again;
 * on failure it stays the poster's.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;

/* mailbox_create() holds at most capacity items. wake, if not NULL, is called by the posting
 * thread, outside the lock, after a post into an empty mailbox: a loop passes uv_async_send, and
 * drains until nothing is left. */
struct mailbox *mailbox_create(size_t capacity, void (*wake)(void *arg), void *arg);
/* mailbox_destroy(): empty of anything that needs freeing, and no thread is in a call of it any
 * more, not even in one whose item was taken already. */
void mailbox_destroy(struct mailbox *m);

bool mailbox_post(struct mailbox *m, void *item);      /* false: full or closed */
bool mailbox_post_wait(struct mailbox *m, void *item); /* waits for room; false: closed */

/* mailbox_take() waits until deadline_ns (monotonic; INT64_MAX: for ever) and returns the oldest
 * item, or NULL when the time is up, or when it is closed and empty. */
void *mailbox_take(struct mailbox *m, int64_t deadline_ns);

/* mailbox_drain() moves up to max items to out without waiting, and returns how many. */
size_t mailbox_drain(struct mailbox *m, void **out, size_t max);

size_t mailbox_len(struct mailbox *m);
void mailbox_close(struct mailbox *m); /* wakes every waiter; nothing more can be posted */

#endif
