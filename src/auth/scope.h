/*
 * scope.h - what a token allows. Each stands for itself: admin does not place orders. Pure; any
 * thread.
 */
#ifndef AUTH_SCOPE_H
#define AUTH_SCOPE_H

#include <stdbool.h>

/* Bits of a set. What a route needs is a set too; SCOPE_OPEN is the empty one. */
enum scope { SCOPE_OPEN = 0, SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_ADMIN = 4 };
enum { SCOPE_ALL = SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN, SCOPES_TEXT_MAX = 40 };

/* scopes_parse() reads words between any of separators, each at most once. false: another word, or
 * none at all. */
bool scopes_parse(const char *text, const char *separators, unsigned *out);

/* scopes_format() writes "orders:read admin"; out has SCOPES_TEXT_MAX bytes. */
void scopes_format(unsigned scopes, char *out);

#endif
