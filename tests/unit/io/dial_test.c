/* dial_test.c - what is an address, how long to wait, names that resolve, do not, or are let go. */
#include "io/dial.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

Test(dial, tells_addresses_from_names)
{
  cr_assert(dial_is_address("127.0.0.1"));
  cr_assert(dial_is_address("::1"));
  cr_assert_not(dial_is_address("localhost"));
  cr_assert_not(dial_is_address("1.2.3"));
  cr_assert_not(dial_is_address(""));
}

Test(dial, tries_get_further_apart_up_to_two_seconds)
{
  static const uint64_t MOST[] = {50, 100, 200, 400, 800, 1600, 2000, 2000};

  for (unsigned n = 1; n <= 8; n++)
    for (int i = 0; i < 200; i++) {
      uint64_t ms = dial_delay_ms(n);
      cr_assert(ms >= MOST[n - 1] / 2 && ms <= MOST[n - 1], "%u failures: %d ms", n, (int)ms);
    }
  cr_assert_leq(dial_delay_ms(4000000000u), 2000);
}

struct answer {
  int times;
  size_t n;
  bool local;
  char error[64];
};

static void on_resolved(void *arg, const struct dial_addresses *found, const char *error)
{
  struct answer *a = arg;

  a->times++;
  a->n = found ? found->n : 0;
  for (size_t i = 0; i < a->n; i++)
    a->local |= !strcmp(found->text[i], "127.0.0.1") || !strcmp(found->text[i], "::1");
  if (error) snprintf(a->error, sizeof a->error, "%s", error);
}

static struct answer resolve(const char *host, bool cancel)
{
  struct answer a = {0};
  uv_loop_t loop;

  uv_loop_init(&loop);
  struct dial_lookup *l = dial_resolve(&loop, host, on_resolved, &a);
  cr_assert(l);
  cr_assert_eq(a.times, 0, "answered inside the call");
  if (cancel) dial_cancel(l);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
  return a;
}

Test(dial, resolves_names)
{
  struct answer a = resolve("localhost", false);
  cr_assert_eq(a.times, 1);
  cr_assert_geq(a.n, 1);
  cr_assert(a.local);
}

Test(dial, says_why_not)
{
  struct answer a = resolve("nobody.invalid", false);
  cr_assert_eq(a.times, 1);
  cr_assert_eq(a.n, 0);
  cr_assert_gt(strlen(a.error), 0);
}

Test(dial, a_cancelled_look_up_is_not_heard_of)
{
  cr_assert_eq(resolve("localhost", true).times, 0);
  cr_assert_eq(resolve("nobody.invalid", true).times, 0);
  dial_cancel(NULL);
}

Test(dial, only_the_first_failure_is_a_warning)
{
  int fd[2];
  char text[1024];
  ssize_t n;

  cr_assert_eq(pipe(fd), 0);
  log_set_fd(fd[1]);
  log_set_level(LOG_LEVEL_INFO);
  dial_log_away("redis", "queue", 0, "refused\nand more");
  dial_log_away("redis", "queue", 1, "refused again");
  n = read(fd[0], text, sizeof text - 1);
  cr_assert_gt(n, 0);
  text[n] = '\0';
  cr_assert(strstr(text, "\"refused\"") && strstr(text, "warn") && strstr(text, "queue"));
  cr_assert_null(strstr(text, "again"));
}
