/*
 * ulid_test.c - ids made by many threads at once, for TSan: each thread's grow, no two are equal.
 */
#include "base/ulid.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, EACH = 20000 };

static struct ulid ids[THREADS][EACH];

static void *make(void *arg)
{
  struct ulid *own = arg;
  for (int i = 0; i < EACH; i++) own[i] = ulid_make();
  return NULL;
}

static int compare(const void *a, const void *b)
{
  return ulid_compare(a, b);
}

int main(void)
{
  pthread_t threads[THREADS];
  int wrong = 0;
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, make, ids[i]) != 0) abort();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int t = 0; t < THREADS; t++)
    for (int i = 1; i < EACH; i++) wrong += ulid_compare(&ids[t][i - 1], &ids[t][i]) >= 0;
  struct ulid *all = ids[0];
  qsort(all, THREADS * EACH, sizeof *all, compare);
  for (int i = 1; i < THREADS * EACH; i++) wrong += ulid_compare(&all[i - 1], &all[i]) == 0;
  printf("ulid: %s\n", wrong ? "FAILED" : "ok");
  return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
