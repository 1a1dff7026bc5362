/* order_ref_test.c - ord_…, own ids, and what is neither. */
#include "http/order_ref.h"

#include "tests/unit/http/fakes.h"

CHECKED(order_ref, kinds)
{
  static const struct {
    const char *text;
    int kind; /* 0 none, 1 by id, 2 own */
  } cases[] = {
      {"ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3", 1},
      {"ord_01j8z3v4n5p6q7r8s9t0v1w2x3", 1},
      {"01J8Z3V4N5P6Q7R8S9T0V1W2X3", 2},
      {"my-order:1", 2},
      {"ord_", 0},
      {"ord_01J8Z3V4N5P6Q7R8S9T0V1W2X", 0},
      {"ord_01J8Z3V4N5P6Q7R8S9T0V1W2X34", 0},
      {"", 0},
      {"a b", 0},
      {"a/b", 0},
      {"\xc3\xa4", 0},
      {"execute", 0},
      {"stats", 0},
      {"1234567890123456789012345678901234567890123456789012345678901234", 2},
      {"12345678901234567890123456789012345678901234567890123456789012345", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct order_ref ref;
    bool ok = order_ref_parse(cases[i].text, &ref);
    int kind = !ok ? 0 : ref.own_id ? 2 : 1;
    cr_assert_eq(kind, cases[i].kind, "%s", cases[i].text);
  }
}

static void ignore(void *arg, enum status status, const struct order *order)
{
  (void)arg, (void)status, (void)order;
}

CHECKED(order_ref, reads_by_what_it_is_for_the_caller)
{
  struct call call = {.api = &api};
  struct order_ref ref;
  cr_assert(order_ref_parse("mine", &ref));
  cr_assert_eq(order_ref_read(&call, &ref, ignore, NULL), ST_OK);
  cr_assert_str_eq(lookups[0].own_id, "mine");
  cr_assert_str_eq(lookups[0].tenant, "default");
  reader_answers(ST_NOT_FOUND, NULL);

  cr_assert(order_ref_parse("ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3", &ref));
  cr_assert_eq(order_ref_read(&call, &ref, ignore, NULL), ST_OK);
  cr_assert_eq(ulid_compare(&lookups[0].id, &ref.id), 0);
  cr_assert_str_eq(lookups[0].own_id, "");
  cr_assert_str_eq(lookups[0].tenant, "default");
  reader_answers(ST_NOT_FOUND, NULL);

  reader_status = ST_AWAY;
  cr_assert_eq(order_ref_read(&call, &ref, ignore, NULL), ST_AWAY);
}
