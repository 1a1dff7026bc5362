#include "net/http_address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/alloc.h"

static struct sockaddr_storage address(const char *text)
{
  struct sockaddr_storage s = {0};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
    v4->sin_family = AF_INET;
  else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
    v6->sin6_family = AF_INET6;
  else
    cr_assert_fail("%s is no address", text);
  return s;
}

static struct http_address *enter(struct http_addresses *t, const char *text)
{
  struct sockaddr_storage s = address(text);
  return http_address_enter(t, (struct sockaddr *)&s);
}

Test(http_address, counts_each_by_itself)
{
  struct http_addresses t;
  http_addresses_init(&t);
  struct http_address *a = enter(&t, "127.0.0.1");
  cr_assert_eq(a->connections, 1);
  cr_assert_eq(enter(&t, "127.0.0.1"), a);
  cr_assert_eq(enter(&t, "::ffff:127.0.0.1"), a);
  cr_assert_eq(a->connections, 3);
  struct http_address *b = enter(&t, "2001:db8::1");
  cr_assert_eq(b->connections, 1);
  http_address_leave(a);
  cr_assert_eq(a->connections, 2);
  http_address_leave(a);
  http_address_leave(a);
  http_address_leave(b);
  for (int i = 0; i < HTTP_ADDRESS_BUCKETS; i++) cr_assert(list_empty(&t.buckets[i]));
}

Test(http_address, many_share_buckets)
{
  struct http_addresses t;
  http_addresses_init(&t);
  struct http_address *all[1000];
  for (int i = 0; i < 1000; i++) {
    char text[32];
    snprintf(text, sizeof text, "10.0.%d.%d", i / 250, i % 250);
    all[i] = enter(&t, text);
    cr_assert_eq(all[i]->connections, 1);
  }
  for (int i = 0; i < 1000; i++) http_address_leave(all[i]);
  for (int i = 0; i < HTTP_ADDRESS_BUCKETS; i++) cr_assert(list_empty(&t.buckets[i]));
}

/* A WebSocket may end after the HTTP server. */
Test(http_address, outlives_its_table)
{
  struct http_addresses *t = mem_alloc(sizeof *t);
  http_addresses_init(t);
  struct http_address *a = enter(t, "127.0.0.1"), *b = enter(t, "127.0.0.2");
  cr_assert_eq(enter(t, "127.0.0.1"), a);
  http_addresses_deinit(t);
  free(t);
  http_address_leave(a);
  cr_assert_eq(a->connections, 1);
  http_address_leave(a);
  http_address_leave(b);
  http_address_leave(NULL);
}

Test(http_address, formats)
{
  static const char *const texts[][2] = {
      {"127.0.0.1", "127.0.0.1"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"::1", "::1"},
      {"2001:db8::17", "2001:db8::17"},
  };
  for (size_t i = 0; i < 4; i++) {
    struct sockaddr_storage s = address(texts[i][0]);
    char out[INET6_ADDRSTRLEN];
    http_address_format((struct sockaddr *)&s, out);
    cr_expect_str_eq(out, texts[i][1]);
  }
}
