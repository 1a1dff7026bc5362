/* cors_test.c - which origins are let in, and which only look alike. */
#include "http/cors.h"

#include <criterion/criterion.h>

Test(cors, an_empty_list_allows_none)
{
  static const char *const lists[] = {NULL, "", "  ", ",", " , "};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    struct cors cors;
    cors_init(&cors, lists[i]);
    cr_assert_eq(cors.n, 0);
    cr_assert_null(cors_find(&cors, "https://a.example"));
    cr_assert_null(cors_find(&cors, ""));
    cors_deinit(&cors);
  }
}

Test(cors, the_list_is_exact)
{
  struct cors cors;
  cors_init(&cors, " https://a.example,http://localhost:8080 ,\thttps://b.example, ");
  cr_assert_eq(cors.n, 3);
  cr_assert_str_eq(cors_find(&cors, "https://a.example"), "https://a.example");
  cr_assert_str_eq(cors_find(&cors, "http://localhost:8080"), "http://localhost:8080");
  cr_assert_not_null(cors_find(&cors, "https://b.example"));
  static const char *const others[] = {"http://a.example",
                                       "https://a.example:443",
                                       "https://a.example.evil",
                                       "https://evil-a.example",
                                       "https://A.example",
                                       "null",
                                       "",
                                       "*",
                                       "https://a.exampl"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    cr_assert_null(cors_find(&cors, others[i]), "%s", others[i]);
  cr_assert_null(cors_find(&cors, NULL));
  cors_deinit(&cors);
}

Test(cors, same_origin)
{
  cr_assert(cors_same_origin("http://127.0.0.1:3000", "127.0.0.1:3000"));
  cr_assert(cors_same_origin("https://ox.example", "OX.example"));
  cr_assert_not(cors_same_origin("http://127.0.0.1:3001", "127.0.0.1:3000"));
  cr_assert_not(cors_same_origin("http://127.0.0.1:3000.evil", "127.0.0.1:3000"));
  cr_assert_not(cors_same_origin("null", "null"));
  cr_assert_not(cors_same_origin("ftp://a", "a"));
  cr_assert_not(cors_same_origin("http://", ""));
  cr_assert_not(cors_same_origin("http://a", NULL));
  cr_assert_not(cors_same_origin("127.0.0.1:3000", "127.0.0.1:3000"));
}
