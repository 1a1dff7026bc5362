/* proxies_test.c - whose word counts, and whose does not. */
#include "http/proxies.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* forwarded: up to two X-Forwarded-For headers, NULL for none. */
static const char *client_of(const char *trusted, const char *peer, const char *first,
                             const char *second)
{
  static char out[INET6_ADDRSTRLEN];
  struct http_header headers[3] = {{"Host", "ox"}};
  struct proxies p;
  size_t n = 1;
  if (first) headers[n++] = (struct http_header){"X-Forwarded-For", first};
  if (second) headers[n++] = (struct http_header){"x-forwarded-for", second};
  struct http_request request = {.peer = peer, .headers = headers, .n_headers = n};
  proxies_init(&p, trusted);
  proxies_client(&p, &request, out);
  proxies_deinit(&p);
  return out;
}

#define EXPECT(trusted, peer, first, second, expected)                                             \
  cr_assert_str_eq(client_of(trusted, peer, first, second), expected)

Test(proxies, without_a_trusted_one_the_peer_counts)
{
  EXPECT("", "10.0.0.9", "1.2.3.4", NULL, "10.0.0.9");
  EXPECT(NULL, "10.0.0.9", "1.2.3.4", NULL, "10.0.0.9");
  EXPECT("10.0.0.1", "10.0.0.9", "1.2.3.4", NULL, "10.0.0.9");
  EXPECT("10.0.0.1", "10.0.0.9", "10.0.0.1", "10.0.0.1", "10.0.0.9");
}

Test(proxies, a_trusted_one_is_believed)
{
  EXPECT("10.0.0.1", "10.0.0.1", "1.2.3.4", NULL, "1.2.3.4");
  EXPECT("10.0.0.1", "10.0.0.1", NULL, NULL, "10.0.0.1");
  EXPECT("10.0.0.1", "10.0.0.1", "", NULL, "10.0.0.1");
  EXPECT("10.0.0.2, 10.0.0.1", "10.0.0.1", "1.2.3.4:5678", NULL, "1.2.3.4");
  EXPECT("::1", "::1", "[2001:db8::7]:443", NULL, "2001:db8::7");
  EXPECT("::1 127.0.0.1", "127.0.0.1", "2001:DB8::7", NULL, "2001:db8::7");
  EXPECT("127.0.0.1", "::ffff:127.0.0.1", "::ffff:1.2.3.4", NULL, "1.2.3.4");
}

Test(proxies, what_a_client_made_up_is_not)
{
  EXPECT("10.0.0.1", "10.0.0.1", "9.9.9.9, 1.2.3.4", NULL, "1.2.3.4");
  EXPECT("10.0.0.1", "10.0.0.1", "10.0.0.1, 1.2.3.4", NULL, "1.2.3.4");
  EXPECT("10.0.0.1", "10.0.0.1", "9.9.9.9", "1.2.3.4", "1.2.3.4");
  EXPECT("10.0.0.1", "10.0.0.1", "1.2.3.4, nonsense", NULL, "10.0.0.1");
  EXPECT("10.0.0.1", "10.0.0.1", "1.2.3.4, unknown, 10.0.0.1", NULL, "10.0.0.1");
  char longest[4000];
  memset(longest, '1', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  EXPECT("10.0.0.1", "10.0.0.1", longest, NULL, "10.0.0.1");
}

Test(proxies, several_hops)
{
  EXPECT("10.0.0.1 10.0.0.2", "10.0.0.1", "1.2.3.4, 10.0.0.2", NULL, "1.2.3.4");
  EXPECT("10.0.0.1 10.0.0.2", "10.0.0.1", "9.9.9.9,1.2.3.4,10.0.0.2", NULL, "1.2.3.4");
  EXPECT("10.0.0.1 10.0.0.2", "10.0.0.1", "1.2.3.4", "10.0.0.2", "1.2.3.4");
  EXPECT("10.0.0.1 10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2");
  EXPECT("10.0.0.1", "10.0.0.1", " , ,1.2.3.4 ,\t,", NULL, "1.2.3.4");
}

Test(proxies, groups)
{
  static const struct {
    const char *address, *group;
  } cases[] = {{"1.2.3.4", "1.2.3.4"},
               {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
               {"::1", "::"},
               {"what", "what"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[INET6_ADDRSTRLEN];
    snprintf(text, sizeof text, "%s", cases[i].address);
    proxies_group(text);
    cr_assert_str_eq(text, cases[i].group);
  }
}
