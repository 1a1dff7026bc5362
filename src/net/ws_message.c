/*
 * ws_message.c - messages shared by the sessions they go to. Loop thread only; whoever drops the
 * last reference frees it.
 */
#include <assert.h>
#include <libwebsockets.h>
#include <string.h>

#include "base/alloc.h"
#include "net/ws.h"

/* libwebsockets writes the frame's header into the LWS_PRE bytes in front of the text. It is the
 * same for every session, and they write one after the other. */
struct ws_message *ws_message_create(const char *text, size_t len)
{
  struct ws_message *m = mem_alloc(sizeof *m + LWS_PRE + len + 1);
  char *room = (char *)(m + 1) + LWS_PRE;
  memcpy(room, text, len);
  *m = (struct ws_message){.refs = 1, .len = len, .text = room};
  return m;
}

void ws_message_unref(struct ws_message *m)
{
  assert(m->refs > 0);
  if (--m->refs == 0) free(m);
}
