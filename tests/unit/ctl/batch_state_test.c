/* The state file: what is in it after any end, also one in the middle of a line. */
#include "ctl/batch_state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64], error[500];
static struct batch_identity identity;

static void setup(void)
{
  snprintf(path, sizeof path, "/tmp/ox-state.XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
  unlink(path);
  identity = (struct batch_identity){"http://a", 7, 100};
}

static void teardown(void)
{
  unlink(path);
}

TestSuite(batch_state, .init = setup, .fini = teardown);

static struct batch_state *open_state(void)
{
  struct batch_state *s = NULL;
  cr_assert_eq(batch_state_open(&s, path, false, &identity, error, sizeof error), ST_OK, "%s",
               error);
  return s;
}

static void expect_refused(const char *why)
{
  struct batch_state *s = NULL;
  cr_assert_eq(batch_state_open(&s, path, false, &identity, error, sizeof error), ST_INVALID);
  cr_assert(strstr(error, why), "%s", error);
}

Test(batch_state, remembers)
{
  char key[64];
  int64_t placed, failed;
  struct batch_state *s = open_state();
  cr_assert_not(batch_state_resumed(s));
  snprintf(key, sizeof key, "%s", batch_state_key(s));
  cr_assert_eq(strspn(key, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), strlen(key));
  cr_assert(batch_state_send(s, 0));
  cr_assert(batch_state_finish(s, 0, 90, 10));
  cr_assert(batch_state_send(s, 41));
  batch_state_close(s);

  identity.size = 5;
  s = open_state();
  cr_assert(batch_state_resumed(s));
  cr_assert_eq(identity.size, 100, "chunks stay as they were");
  cr_assert_str_eq(batch_state_key(s), key);
  cr_assert(batch_state_done(s, 0, &placed, &failed));
  cr_assert_eq(placed, 90);
  cr_assert_eq(failed, 10);
  cr_assert_not(batch_state_done(s, 41, &placed, &failed));
  cr_assert_gt(batch_state_sent_at(s, 41), 0);
  cr_assert_eq(batch_state_sent_at(s, 40), 0);
  cr_assert_eq(batch_state_sent_at(s, 100000), 0);
  batch_state_close(s);
}

Test(batch_state, a_line_that_is_cut_was_not_written)
{
  int64_t placed, failed;
  struct batch_state *s = open_state();
  cr_assert(batch_state_send(s, 0));
  cr_assert(batch_state_finish(s, 0, 1, 2));
  batch_state_close(s);
  FILE *file = fopen(path, "r+");
  fseek(file, -4, SEEK_END);
  cr_assert_eq(ftruncate(fileno(file), ftell(file)), 0);
  fclose(file);

  s = open_state();
  cr_assert_gt(batch_state_sent_at(s, 0), 0);
  cr_assert_not(batch_state_done(s, 0, &placed, &failed));
  cr_assert(batch_state_finish(s, 0, 3, 4));
  batch_state_close(s);
  s = open_state();
  cr_assert(batch_state_done(s, 0, &placed, &failed));
  cr_assert_eq(placed, 3);
  batch_state_close(s);
}

Test(batch_state, a_header_that_is_cut_is_none)
{
  FILE *file = fopen(path, "w");
  fputs("{\"v\":1,\"ke", file);
  fclose(file);
  struct batch_state *s = open_state();
  cr_assert_not(batch_state_resumed(s));
  batch_state_close(s);
  s = open_state();
  cr_assert(batch_state_resumed(s));
  batch_state_close(s);
}

Test(batch_state, refuses_what_it_was_not_made_for)
{
  struct batch_state *s = open_state();
  expect_refused("another oxctl is at it");
  batch_state_close(s);
  identity.hash = 8;
  expect_refused("the orders are not those that were begun with");
  identity.hash = 7;
  identity.url = "http://b";
  expect_refused("begun at another server");
  cr_assert_eq(batch_state_open(&s, path, true, &identity, error, sizeof error), ST_OK);
  cr_assert_not(batch_state_resumed(s));
  batch_state_close(s);
  FILE *file = fopen(path, "w");
  fputs("my own file\n", file);
  fclose(file);
  expect_refused("not as oxctl writes it");
}

Test(batch_state, keeps_nothing_without_a_path)
{
  int64_t placed, failed;
  struct batch_state *s = NULL;
  cr_assert_eq(batch_state_open(&s, NULL, false, &identity, error, sizeof error), ST_OK);
  cr_assert_eq(strlen(batch_state_key(s)), 26);
  cr_assert(batch_state_send(s, 3));
  cr_assert(batch_state_finish(s, 3, 1, 1));
  cr_assert(batch_state_done(s, 3, &placed, &failed));
  batch_state_close(s);
}
