/*
 * blame.c - see blame.h. What a thread is in is the thread's own; the handler reads it on the very
 * thread that crashed, and calls nothing but write(2) and what ends the process.
 */
#include "plugin/blame.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static _Thread_local struct blame now;

static void put(const char *text)
{
  size_t len = strlen(text);
  while (len > 0) {
    ssize_t n = write(STDERR_FILENO, text, len);
    if (n <= 0) return;
    text += n;
    len -= (size_t)n;
  }
}

static const struct crash {
  int number;
  const char *name;
} crashes[] = {{SIGSEGV, "SIGSEGV"},
               {SIGBUS, "SIGBUS"},
               {SIGILL, "SIGILL"},
               {SIGFPE, "SIGFPE"},
               {SIGABRT, "SIGABRT"}};
enum { CRASHES = sizeof crashes / sizeof *crashes };

static struct sigaction earlier[CRASHES]; /* what a signal did; const once installed */

/* What faulted faults again when this returns, and what aborts goes on to; only a signal that was
 * sent has to be sent again. */
static void on_crash(int number, siginfo_t *info, void *context)
{
  (void)context;
  size_t i = 0;
  while (i + 1 < CRASHES && crashes[i].number != number) i++;
  if (now.kind) {
    put("oxd: ");
    put(crashes[i].name);
    put(" inside ");
    put(now.kind);
    put(" ");
    put(now.name);
    put("\n");
  }
  sigaction(number, &earlier[i], NULL);
  if (info->si_code <= 0) raise(number);
}

void blame_install(void)
{
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < CRASHES; i++) sigaction(crashes[i].number, &action, &earlier[i]);
}

struct blame blame_enter(const char *kind, const char *name)
{
  struct blame before = now;
  now = (struct blame){kind, name};
  return before;
}

void blame_leave(struct blame before)
{
  now = before;
}
