/* Memory that is there, or a line in the log and an abort. */
#include "base/alloc.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

Test(alloc, memory_is_zeroed)
{
  unsigned char *p = mem_alloc(4096);
  for (size_t i = 0; i < 4096; i++) cr_assert_eq(p[i], 0);
  free(p);
}

Test(alloc, nothing_is_still_something)
{
  void *none = mem_alloc(0);
  cr_assert_not_null(none);
  none = mem_resize(none, 0);
  cr_assert_not_null(none);
  free(none);
}

Test(alloc, resizing_keeps_the_content)
{
  char *p = mem_strdup("abc");
  p = mem_resize(p, 1 << 20);
  cr_assert_str_eq(p, "abc");
  p = mem_resize(p, 4);
  cr_assert_str_eq(p, "abc");
  free(p);
}

Test(alloc, copies_of_text)
{
  char *whole = mem_strdup("");
  char *start = mem_strndup("abcdef", 3);
  char *bytes = mem_strndup("ab\0cd", 5);
  char *more = mem_strndup("ab", 100);
  cr_assert_str_eq(whole, "");
  cr_assert_str_eq(start, "abc");
  cr_assert_str_eq(bytes, "ab", "ends at the NUL");
  cr_assert_str_eq(more, "ab", "reads no further than the NUL");
  free(whole);
  free(start);
  free(bytes);
  free(more);
}

/* Asking for more than there can be: a child aborts after a line that says how much. */
static void expect_abort(void *(*ask)(void))
{
  int fds[2];
  cr_assert_eq(pipe(fds), 0);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    log_set_fd(fds[1]);
    ask();
    _exit(0);
  }
  int how = 0;
  cr_assert_eq(waitpid(child, &how, 0), child);
  cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
  char line[512] = "";
  cr_assert_gt(read(fds[0], line, sizeof line - 1), 0);
  cr_assert_not_null(strstr(line, "\"msg\":\"out of memory\",\"bytes\":9223372036854775807"));
  close(fds[0]);
  close(fds[1]);
}

static volatile size_t too_much = SIZE_MAX - 64; /* volatile: the compiler warns of it otherwise */

static void *ask_new(void)
{
  return mem_alloc(too_much);
}

static void *ask_more(void)
{
  return mem_resize(NULL, too_much);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* these abort by themselves   \
                                                                     */
Test(alloc, running_out_is_logged_and_aborts)
{
  expect_abort(ask_new);
  expect_abort(ask_more);
}
#else
Test(alloc, running_out_is_logged_and_aborts, .disabled = true)
{
  expect_abort(ask_new);
  expect_abort(ask_more);
}
#endif
