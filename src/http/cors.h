/*
 * cors.h - which browser origins may talk to us. Pure.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <stdbool.h>
#include <stddef.h>

struct cors {
  char *text; /* the list, cut into origins */
  const char **origins;
  size_t n;
};

/* cors_init() takes "https://a.example, https://b.example"; NULL and "" allow none. */
void cors_init(struct cors *cors, const char *list);
void cors_deinit(struct cors *cors);

/* cors_find() returns the entry that equals origin, or NULL. */
const char *cors_find(const struct cors *cors, const char *origin);

/* cors_same_origin() compares Origin with Host. Either scheme: TLS may end in a proxy before us. */
bool cors_same_origin(const char *origin, const char *host);

#endif
