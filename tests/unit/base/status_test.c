/* Every status has a name of its own, and a wrong number does not crash the log. */
#include "base/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(status, every_status_has_a_name_of_its_own)
{
  for (int i = ST_OK; i <= ST_BROKEN; i++) {
    cr_assert_not_null(status_name((enum status)i));
    cr_assert_str_neq(status_name((enum status)i), "unknown");
    for (int j = ST_OK; j < i; j++)
      cr_assert_str_neq(status_name((enum status)i), status_name((enum status)j));
  }
}

Test(status, a_number_that_is_none)
{
  cr_assert_str_eq(status_name((enum status)(ST_BROKEN + 1)), "unknown");
  cr_assert_str_eq(status_name((enum status) - 1), "unknown");
}
