/*
 * body_hash.h - what tells one body from another: the SHA-256 of its bytes. Pure.
 */
#ifndef HTTP_BODY_HASH_H
#define HTTP_BODY_HASH_H

#include <stddef.h>

#include "base/status.h"

enum { BODY_HASH_LEN = 32 };

enum status body_hash(const char *body, size_t len, unsigned char out[BODY_HASH_LEN]) MUST_CHECK;

#endif
