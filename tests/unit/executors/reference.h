/*
 * reference.h - cases from reference.py, read one number after another. For one test program.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline FILE *reference_open(const char *kind, int cases)
{
  char command[128];
  snprintf(command, sizeof command, "python3 tests/unit/executors/reference.py %s %d", kind, cases);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  return pipe;
}

/* Up to 38 digits, as prices have. */
static inline unsigned __int128 reference_next(FILE *pipe)
{
  char digits[64];
  cr_assert(fscanf(pipe, "%63s", digits) == 1, "the reference ended early");
  int minus = digits[0] == '-';
  unsigned __int128 value = 0;
  for (const char *p = digits + minus; *p; p++) value = value * 10 + (unsigned)(*p - '0');
  return minus ? -value : value;
}

static inline void reference_close(FILE *pipe)
{
  cr_assert(pclose(pipe) == 0);
}

/* A small generator for the tests' own cases: any order of magnitude up to max, from 1. */
static inline uint64_t any_amount(uint64_t *seed, uint64_t max)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint64_t value = *seed >> (*seed >> 58);
  return value % max + 1;
}

#endif
