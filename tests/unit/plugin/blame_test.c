/* blame_test.c - the line a process leaves that dies inside a plugin, read from a child's stderr.
 */
#include "plugin/blame.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[256];

/* Runs die() in a child, and returns the signal that ended it. */
static int dies(void (*die)(void))
{
  int ends[2], status = 0;
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  cr_assert_geq(child, 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    blame_install();
    die();
    _exit(0);
  }
  close(ends[1]);
  ssize_t n = 0;
  for (ssize_t k; (k = read(ends[0], said + n, sizeof said - 1 - (size_t)n)) > 0;) n += k;
  said[n] = '\0';
  close(ends[0]);
  cr_assert_eq(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void in_a_venue(void)
{
  struct blame outer = blame_enter("executor", "market");
  blame_enter("venue", "east");
  (void)outer;
  abort();
}

Test(blame, names_who_was_entered_last)
{
  cr_assert_eq(dies(in_a_venue), SIGABRT);
  cr_assert_str_eq(said, "oxd: SIGABRT inside venue east\n");
}

static void back_in_the_executor(void)
{
  blame_enter("executor", "market");
  blame_leave(blame_enter("venue", "east"));
  raise(SIGFPE);
}

Test(blame, goes_back_to_who_was_there_before)
{
  cr_assert_eq(dies(back_in_the_executor), SIGFPE);
  cr_assert_str_eq(said, "oxd: SIGFPE inside executor market\n");
}

static void in_nobody(void)
{
  blame_leave(blame_enter("venue", "east"));
  raise(SIGBUS);
}

Test(blame, says_nothing_of_our_own_crashes_and_they_are_crashes_still)
{
  cr_assert_eq(dies(in_nobody), SIGBUS);
  cr_assert_str_eq(said, "");
}

static void in_peace(void)
{
  blame_leave(blame_enter("venue", "east"));
}

Test(blame, costs_nothing_where_nobody_crashes)
{
  cr_assert_eq(dies(in_peace), 0);
  cr_assert_str_eq(said, "");
}
