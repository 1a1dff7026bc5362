/*
 * files.h - what is served as it was built: the contract, and the pages for people. scripts/embed
 * writes the table from files of the project. Each file is a route of its own, so a path that is
 * none of theirs leads nowhere. Loop thread only.
 */
#ifndef HTTP_FILES_H
#define HTTP_FILES_H

#include "http/routes.h"

struct file {
  const char *path; /* of the URL */
  const char *type; /* Content-Type */
  const char *etag; /* of the content */
  const char *data;
  size_t len;
};
extern const struct file files[];
extern const size_t n_files;

void file_get(const struct call *call, const struct http_request *request, const char *param);

#endif
