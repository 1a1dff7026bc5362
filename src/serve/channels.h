/*
 * channels.h - what comes through Redis' two connections, and the events that this process makes
 * itself: who in it is told. Callbacks get the struct serve. Loop thread only.
 */
#ifndef SERVE_CHANNELS_H
#define SERVE_CHANNELS_H

#include <stddef.h>

struct serve;

void channels_on_commands_up(void *arg);
void channels_on_subscriber_up(void *arg);
void channels_on_message(void *arg, const char *channel, const char *text, size_t len);

/* channels_open() is called when the hub is there, channels_close() while it still is. */
void channels_open(struct serve *s);
void channels_close(struct serve *s);

#endif
