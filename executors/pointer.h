/*
 * pointer.h - RFC 6901 pointers, as errors name what is wrong: "/faults/0/kind". Pure.
 */
#ifndef POINTER_H
#define POINTER_H

#include <stddef.h>

/* pointer_add() appends a member with any name to pointer, which is "" for the whole and has room
 * for cap bytes with the NUL, at least 4 more. One that is over-long ends at a whole character. */
void pointer_add(char *pointer, size_t cap, const char *name);

#endif
