/* messages.h - ws messages for tests that link no libwebsockets; counts those alive. */
#ifndef TESTS_UNIT_EVENT_MESSAGES_H
#define TESTS_UNIT_EVENT_MESSAGES_H

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/ws.h"

static size_t messages_alive;
static size_t messages_made;

struct ws_message *ws_message_create(const char *text, size_t len)
{
  struct ws_message *m = mem_alloc(sizeof *m);
  m->refs = 1;
  m->len = len;
  m->text = mem_strndup(text, len);
  messages_alive++;
  messages_made++;
  return m;
}

void ws_message_unref(struct ws_message *m)
{
  if (--m->refs > 0) return;
  messages_alive--;
  free((char *)m->text);
  free(m);
}

#endif
