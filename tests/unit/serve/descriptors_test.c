/* descriptors_test.c - clients get what the limit of descriptors leaves, and never all of it. */
#include "serve/descriptors.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

Test(descriptors, plenty)
{
  struct connection_room room = descriptors_room(1 << 20, 20000);
  cr_assert_eq(room.connections, 20000);
  cr_assert_eq(room.refused, 64);
}

Test(descriptors, our_own_come_first)
{
  struct connection_room room = descriptors_room(64, 20000);
  cr_assert_eq(room.connections, 20);
  cr_assert_eq(room.refused, 4);
}

Test(descriptors, there_is_room_for_one)
{
  for (int64_t limit = 0; limit < 45; limit++) {
    struct connection_room room = descriptors_room(limit, 20000);
    cr_assert_geq(room.connections, 1);
    cr_assert_geq(room.refused, 1);
  }
}

Test(descriptors, a_higher_limit_never_leaves_less)
{
  int64_t last = 0;
  for (int64_t limit = 0; limit < 40000; limit++) {
    struct connection_room room = descriptors_room(limit, 20000);
    cr_assert_geq(room.connections, last);
    cr_assert(limit < 42 || room.connections + room.refused <= limit - 40 || room.connections == 1);
    last = room.connections;
  }
  cr_assert_eq(last, 20000);
}

/* The soft limit goes up as far as it has to, and no further than the hard one. */
Test(descriptors, raises_the_soft_limit)
{
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  rlim_t hard = limit.rlim_max;
  limit.rlim_cur = 100;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  struct connection_room room = descriptors_reserve(200);
  cr_assert_eq(room.connections, 200);
  getrlimit(RLIMIT_NOFILE, &limit);
  cr_assert_eq(limit.rlim_cur, 200 + 64 + 40);
  cr_assert_eq(limit.rlim_max, hard);
}

Test(descriptors, stays_below_the_hard_limit)
{
  const struct rlimit low = {.rlim_cur = 64, .rlim_max = 64};
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
  cr_assert_eq(descriptors_reserve(200).connections, 20);
}
