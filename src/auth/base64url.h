/*
 * base64url.h - RFC 4648 section 5, without padding, and strict: each value has one spelling. Pure;
 * any thread.
 */
#ifndef AUTH_BASE64URL_H
#define AUTH_BASE64URL_H

#include <stddef.h>

/* What n bytes become; both without the NUL. */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* base64url_encode() writes BASE64URL_LEN(len) characters and a NUL. */
void base64url_encode(const void *data, size_t len, char *out);

/* base64url_decode() returns how many bytes it wrote, or -1: a foreign character, a length that no
 * value has, bits left over, or more than max bytes. */
long base64url_decode(const char *text, size_t len, unsigned char *out, size_t max);

#endif
