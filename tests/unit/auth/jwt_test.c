/*
 * jwt_test.c - tokens of ours, of others who have the secret, and every way to forge one. Tokens
 * are made here by hand, with OpenSSL alone.
 */
#include "auth/jwt.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "auth/base64url.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const struct jwt_terms terms = {secret, "ox", "desk"};

static int64_t now(void)
{
  return INT64_C(1700000000123);
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(more)                                                                               \
  "{\"iss\":\"ox\",\"aud\":\"desk\",\"sub\":\"cli_1\",\"scope\":\"orders:read\"" more "}"
#define GOOD ",\"exp\":1700000100"

static size_t part(char *out, const char *text)
{
  base64url_encode(text, strlen(text), out);
  return strlen(out);
}

/* forge() makes header.claims.signature with any digest and key. */
static size_t forge(char *out, const char *header, const char *claims, const EVP_MD *md,
                    const char *key)
{
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned mac_len = 0;
  size_t len = part(out, header);
  out[len++] = '.';
  len += part(out + len, claims);
  HMAC(md, key, (int)strlen(key), (unsigned char *)out, len, mac, &mac_len);
  out[len++] = '.';
  base64url_encode(mac, mac_len, out + len);
  return len + BASE64URL_LEN(mac_len);
}

static const char *verdict(const char *token, size_t len)
{
  static const char fine[] = "";
  struct grant grant;
  const char *why = NULL;
  memset(&grant, 7, sizeof grant);
  enum status status = jwt_verify(&terms, token, len, now(), &grant, &why);
  if (status == ST_OK) return fine;
  cr_assert_eq(status, ST_INVALID);
  cr_assert_not_null(why);
  cr_assert_eq(grant.scopes, 0x07070707u, "set only on success");
  return why;
}

static const char *verdict_of(const char *header, const char *claims)
{
  char token[2 * JWT_TOKEN_MAX];
  return verdict(token, forge(token, header, claims, EVP_sha256(), secret));
}

#define EXPECT(header, claims, expected) cr_assert_str_eq(verdict_of(header, claims), expected)

Test(jwt, ours)
{
  struct grant grant = {"cli_01J", SCOPE_READ | SCOPE_ADMIN, now() / 1000 * 1000 + 5000}, back;
  struct buf token;
  const char *why;
  buf_init(&token, 4096);
  jwt_sign(&terms, &grant, now(), &token);
  cr_assert_eq(jwt_verify(&terms, token.data, token.len, now(), &back, &why), ST_OK);
  cr_assert_str_eq(back.client, "cli_01J");
  cr_assert_eq(back.scopes, grant.scopes);
  cr_assert_eq(back.expires_at_ms, grant.expires_at_ms);
  cr_assert_eq(jwt_verify(&terms, token.data, token.len, grant.expires_at_ms - 1, &back, &why),
               ST_OK);
  cr_assert_eq(jwt_verify(&terms, token.data, token.len, grant.expires_at_ms, &back, &why),
               ST_INVALID);
  cr_assert_str_eq(why, "it has expired");
  buf_deinit(&token);
}

Test(jwt, of_others_who_have_the_secret)
{
  EXPECT(HEADER, CLAIMS(GOOD), "");
  EXPECT("{\"typ\":\"JWT\",\"alg\":\"HS256\"}", CLAIMS(GOOD), "");
  EXPECT("{\"alg\":\"HS256\"}", CLAIMS(GOOD), "");
  EXPECT("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"7\"}", CLAIMS(GOOD), "");
  EXPECT(HEADER, CLAIMS(",\"exp\":1700000100.5,\"nbf\":1699999999,\"x\":[]"), "");
  EXPECT(HEADER,
         "{\"iss\":\"ox\",\"aud\":[\"other\",\"desk\"],\"sub\":\"a\",\"scope\":\"admin\",\"exp\":"
         "1700000100}",
         "");
}

Test(jwt, other_algorithms)
{
  static const char why[] = "its alg is not HS256", signature[] = "its signature is not ours";
  EXPECT("{\"alg\":\"none\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"RS256\",\"typ\":\"JWT\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"hs256\",\"typ\":\"JWT\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":[\"HS256\"]}", CLAIMS(GOOD), why);
  EXPECT("{\"typ\":\"JWT\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"none\",\"alg\":\"HS256\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"HS256\",\"typ\":\"JWE\"}", CLAIMS(GOOD), why);
  EXPECT("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", CLAIMS(GOOD), why);
  EXPECT("[\"HS256\"]", CLAIMS(GOOD), why);
  EXPECT("", CLAIMS(GOOD), why);
  char token[4096];
  size_t len = forge(token, "{\"alg\":\"HS512\"}", CLAIMS(GOOD), EVP_sha512(), secret);
  cr_assert_str_eq(verdict(token, len), signature);
  len = forge(token, "{\"alg\":\"HS384\"}", CLAIMS(GOOD), EVP_sha384(), secret);
  cr_assert_str_eq(verdict(token, len), signature);
  len = forge(token, HEADER, CLAIMS(GOOD), EVP_sha256(), "another secret, as long as the first");
  cr_assert_str_eq(verdict(token, len), signature);
  len = forge(token, HEADER, CLAIMS(GOOD), EVP_sha256(), "");
  cr_assert_str_eq(verdict(token, len), signature);
}

Test(jwt, without_a_signature)
{
  char token[4096];
  size_t len = part(token, "{\"alg\":\"none\"}");
  token[len++] = '.';
  len += part(token + len, CLAIMS(GOOD));
  cr_assert_str_neq(verdict(token, len), "");
  token[len++] = '.';
  cr_assert_str_neq(verdict(token, len), "");
}

Test(jwt, claims)
{
  EXPECT(HEADER, CLAIMS(",\"exp\":1700000000"), "it has expired");
  EXPECT(HEADER, CLAIMS(",\"exp\":0"), "it has expired");
  EXPECT(HEADER, CLAIMS(",\"exp\":-1"), "it has no exp");
  EXPECT(HEADER, CLAIMS(",\"exp\":\"1700000100\""), "it has no exp");
  EXPECT(HEADER, CLAIMS(",\"exp\":1e300"), "it has no exp");
  EXPECT(HEADER, CLAIMS(""), "it has no exp");
  EXPECT(HEADER, CLAIMS(GOOD ",\"nbf\":1700000001"), "it is not good yet");
  EXPECT(HEADER, CLAIMS(GOOD ",\"nbf\":true"), "its nbf is no time");
  EXPECT(HEADER, CLAIMS(GOOD ",\"exp\":1700009999"), "its claims are no JSON object");
  static const char *const issuers[] = {"", "\"iss\":\"oxx\",", "\"iss\":[\"ox\"],",
                                        "\"iss\":\"ox\\u0000\",", "\"iss\":null,"};
  static const char *const audiences[] = {"", "\"aud\":\"ox\",", "\"aud\":[],",
                                          "\"aud\":[[\"desk\"]],", "\"aud\":{\"desk\":1},"};
  char claims[512];
  for (size_t i = 0; i < 5; i++) {
    snprintf(claims, sizeof claims,
             "{%s\"aud\":\"desk\",\"sub\":\"a\",\"scope\":\"admin\",\"exp\":1700000100}",
             issuers[i]);
    cr_assert_str_neq(verdict_of(HEADER, claims), "", "%s", claims);
    snprintf(claims, sizeof claims,
             "{%s\"iss\":\"ox\",\"sub\":\"a\",\"scope\":\"admin\",\"exp\":1700000100}",
             audiences[i]);
    EXPECT(HEADER, claims, "it is for another audience");
  }
}

Test(jwt, whose_and_what_for)
{
  static const char *const bad[] = {
      "\"scope\":\"admin\"",
      "\"sub\":\"\",\"scope\":\"admin\"",
      "\"sub\":\"a b\",\"scope\":\"admin\"",
      "\"sub\":\"a'--\",\"scope\":\"admin\"",
      "\"sub\":7,\"scope\":\"admin\"",
      "\"sub\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"scope\":\"admin\"",
      "\"sub\":\"a\"",
      "\"sub\":\"a\",\"scope\":\"\"",
      "\"sub\":\"a\",\"scope\":\"root\"",
      "\"sub\":\"a\",\"scope\":\"admin root\"",
      "\"sub\":\"a\",\"scope\":[\"admin\"]"};
  char claims[512];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(claims, sizeof claims, "{\"iss\":\"ox\",\"aud\":\"desk\",\"exp\":1700000100,%s}",
             bad[i]);
    cr_assert_str_neq(verdict_of(HEADER, claims), "", "%s", claims);
  }
}

Test(jwt, tampered_with)
{
  char token[4096];
  size_t len = forge(token, HEADER, CLAIMS(GOOD), EVP_sha256(), secret);
  cr_assert_str_eq(verdict(token, len), "");
  for (size_t i = 0; i < len; i++) {
    char was = token[i];
    token[i] = was == 'A' ? 'B' : 'A';
    cr_assert_str_neq(verdict(token, len), "", "byte %zu", i);
    token[i] = was;
  }
  for (size_t cut = 0; cut < len; cut++) cr_assert_str_neq(verdict(token, cut), "", "%zu", cut);
}

Test(jwt, shapes)
{
  static const char *const bad[] = {"", ".", "..", "...", "a.b.c", "a.b", "....", "Bearer x.y.z"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_str_neq(verdict(bad[i], strlen(bad[i])), "");
  char token[4096];
  size_t len = forge(token, HEADER, CLAIMS(GOOD), EVP_sha256(), secret);
  token[len] = '=';
  cr_assert_str_neq(verdict(token, len + 1), "");
  token[len] = '.';
  cr_assert_str_neq(verdict(token, len + 1), "");
  len = forge(token, HEADER, "[]", EVP_sha256(), secret);
  cr_assert_str_eq(verdict(token, len), "its claims are no JSON object");
  len = forge(token, HEADER, "{\"iss\":\"ox\"} x", EVP_sha256(), secret);
  cr_assert_str_eq(verdict(token, len), "its claims are no JSON object");
}

Test(jwt, a_huge_one_is_not_even_read)
{
  static char claims[8 * JWT_TOKEN_MAX], token[16 * JWT_TOKEN_MAX];
  snprintf(claims, sizeof claims, CLAIMS(GOOD ",\"x\":\"%0*d\""), 4 * JWT_TOKEN_MAX, 0);
  size_t len = forge(token, HEADER, claims, EVP_sha256(), secret);
  cr_assert_gt(len, JWT_TOKEN_MAX);
  cr_assert_str_neq(verdict(token, len), "");
}
