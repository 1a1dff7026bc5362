/*
 * checked.h - a test whose end is checked too: Criterion calls a test passed whose .fini failed.
 * The file has static functions setup() and teardown().
 */
#ifndef TESTS_UNIT_EVENT_CHECKED_H
#define TESTS_UNIT_EVENT_CHECKED_H

#include <criterion/criterion.h>

#define CHECKED(suite, name)                                                                       \
  static void name##_(void);                                                                       \
  Test(suite, name)                                                                                \
  {                                                                                                \
    setup();                                                                                       \
    name##_();                                                                                     \
    teardown();                                                                                    \
  }                                                                                                \
  static void name##_(void)

#endif
