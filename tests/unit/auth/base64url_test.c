/* base64url_test.c - RFC 4648's vectors, and every other spelling refused. */
#include "auth/base64url.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
  const char *plain, *text;
} vectors[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};

Test(base64url, both_ways)
{
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    char text[16];
    unsigned char plain[16];
    size_t len = strlen(vectors[i].plain);
    base64url_encode(vectors[i].plain, len, text);
    cr_assert_str_eq(text, vectors[i].text);
    cr_assert_eq(BASE64URL_LEN(len), strlen(text));
    cr_assert_eq(base64url_decode(text, strlen(text), plain, len), (long)len);
    cr_assert_arr_eq(plain, vectors[i].plain, len);
  }
}

Test(base64url, every_byte_comes_back)
{
  unsigned char all[256], back[256];
  char text[BASE64URL_LEN(256) + 1];
  for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;
  for (size_t len = 0; len <= 256; len++) {
    base64url_encode(all, len, text);
    cr_assert_eq(base64url_decode(text, strlen(text), back, sizeof back), (long)len);
    cr_assert_arr_eq(back, all, len);
  }
}

Test(base64url, other_spellings_are_refused)
{
  static const char *const bad[] = {"Z",       "Zg==",     "Zg=",  "Zh",   "Zm9",
                                    "Zm9v\n",  "Zm 9v",    "Zm+v", "Zm/v", "AAAAA",
                                    "Zm9v.Zg", "\xc3\xa4", "===="};
  unsigned char out[32];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_eq(base64url_decode(bad[i], strlen(bad[i]), out, sizeof out), -1, "%s", bad[i]);
}

Test(base64url, what_does_not_fit_is_refused)
{
  unsigned char out[3] = {7, 7, 7};
  cr_assert_eq(base64url_decode("Zm9v", 4, out, 2), -1);
  cr_assert_eq(out[2], 7);
  cr_assert_eq(base64url_decode("Zm9v", 4, out, 3), 3);
  cr_assert_eq(base64url_decode("Zg", 2, out, 0), -1);
}
