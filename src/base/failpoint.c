/*
 * failpoint.c - what chaos builds do at a fail-point, and their wrong clock; see failpoint.h. Not
 * part of any other build.
 *
 *   OX_FAILPOINTS=NAME:kill|stop:NTH[:AFTER_US][,...]   the NTH time NAME is reached this process
 *       sends itself SIGKILL or SIGSTOP; AFTER_US later: somewhere in what follows
 *   OX_CLOCK_OFFSET_MS=N   clock_unix_ms() is N ms off
 *
 * Any thread. The table is written once, before main(); only the counts change after that.
 */
#include "base/failpoint.h"

#ifdef OX_CHAOS
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum { POINTS_MAX = 8, NAME_MAX_LEN = 40 };

static struct point {
  char name[NAME_MAX_LEN + 1];
  int signal;
  long after_us;
  _Atomic long left; /* so many times it is passed */
} points[POINTS_MAX];
static size_t n_points;

static void bad(const char *text)
{
  fprintf(stderr, "OX_FAILPOINTS: cannot read \"%s\"\n", text);
  exit(78);
}

static void read_point(const char *text)
{
  struct point *p = &points[n_points];
  char action[8];
  long nth = 0;
  int n = sscanf(text, "%40[^:]:%7[^:]:%ld:%ld", p->name, action, &nth, &p->after_us);
  if (n_points == POINTS_MAX || n < 3 || nth < 1) bad(text);
  p->signal = strcmp(action, "kill") == 0 ? SIGKILL : strcmp(action, "stop") == 0 ? SIGSTOP : 0;
  if (!p->signal) bad(text);
  atomic_init(&p->left, nth);
  n_points++;
}

__attribute__((constructor)) static void read_environment(void)
{
  const char *text = getenv("OX_FAILPOINTS"), *offset = getenv("OX_CLOCK_OFFSET_MS");
  if (offset) clock_set_unix_offset(strtoll(offset, NULL, 10));
  for (; text && *text; text += strcspn(text, ","), text += *text == ',') read_point(text);
}

static void fire(const struct point *p)
{
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = p->signal};
  struct itimerspec when = {.it_value = {p->after_us / 1000000, p->after_us % 1000000 * 1000}};
  timer_t timer;
  LOG_ERROR("failpoint", LOG_STR("name", p->name), LOG_INT("signal", p->signal));
  if (p->after_us == 0)
    raise(p->signal);
  else if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
           timer_settime(timer, 0, &when, NULL) != 0)
    abort();
}

void failpoint_reached(const char *name)
{
  for (size_t i = 0; i < n_points; i++)
    if (strcmp(points[i].name, name) == 0 && atomic_fetch_sub(&points[i].left, 1) == 1)
      fire(&points[i]);
}
#endif
