/*
 * cached.h - answers that come out of the cache, or go into it. Loop thread only.
 *
 * A key begins with whose answer it is and a sign that no client's id has in it: nobody gets what
 * another was answered.
 */
#ifndef HTTP_CACHED_H
#define HTTP_CACHED_H

#include "http/api.h"

enum { CACHED_NOW = -1 };

/* The one header of an answer that is not the same for all, and how old it is. */
struct cached_head {
  const char *name, *value; /* value "": without it */
  int64_t stored_ms;        /* CACHED_NOW: it was read for this request */
};

/* cached_send() answers with what is in answer_body(), or 304 with nothing, and says and counts
 * where it is from. */
void cached_send(const struct call *call, int status, const struct cached_head *head);

/* cached_send_kept() answers with what is kept. */
void cached_send_kept(const struct call *call, int status, const char *header_name,
                      const struct cache_entry *e);

#endif
