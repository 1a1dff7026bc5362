/*
 * escape.h - text to the inside of a JSON string, for the writer and the log. What is not UTF-8
 * becomes U+FFFD, so the result is always valid JSON. Pure; any thread.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stddef.h>

enum { ESCAPE_MAX = 6 };

/* escape_plain() returns how many bytes at the start of text can be copied as they are; the run
 * ends between characters. */
size_t escape_plain(const char *text, size_t len);

/* escape_one() writes what stands for the first byte of text, which is not plain, and returns how
 * many bytes were written; that one byte is then done. */
size_t escape_one(const char *text, char out[ESCAPE_MAX]);

#endif
