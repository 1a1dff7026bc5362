/*
 * http_query.h - percent-decoding inside net. Pure; any thread.
 */
#ifndef NET_HTTP_QUERY_H
#define NET_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* http_query_hex() is the value of a hexadecimal digit, -1 for another character. */
static inline int http_query_hex(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* http_query_decode() writes what len bytes of text stand for, and a NUL, to out; with plus, '+' is
 * a space. Returns the length, or -1: an invalid escape, %00, or over out_len bytes with the NUL.
 */
long http_query_decode(const char *text, size_t len, bool plus, char *out, size_t out_len);

#endif
