/* jwt.c - see jwt.h. */
#include "auth/jwt.h"

#include <assert.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "auth/base64url.h"
#include "base/json.h"
#include "base/ulid.h"

enum { MAC_LEN = 32, PAYLOAD_MAX = JWT_TOKEN_MAX };

static const char our_header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static void mac_of(const struct jwt_terms *terms, const char *text, size_t len,
                   unsigned char out[MAC_LEN])
{
  unsigned out_len = MAC_LEN;
  const unsigned char *done = HMAC(EVP_sha256(), terms->secret, (int)strlen(terms->secret),
                                   (const unsigned char *)text, len, out, &out_len);
  assert(done && out_len == MAC_LEN);
}

/* ── signing ────────────────────────────────────────────────────────────────────────────────── */

static void append_part(struct buf *out, const void *data, size_t len)
{
  char *room = buf_reserve(out, BASE64URL_LEN(len) + 1);
  assert(room);
  base64url_encode(data, len, room);
  buf_commit(out, BASE64URL_LEN(len));
}

static void write_claims(struct buf *claims, const struct jwt_terms *terms,
                         const struct grant *grant, int64_t now_ms)
{
  char scopes[SCOPES_TEXT_MAX], id[ULID_LEN + 1];
  struct ulid made = ulid_make();
  struct json_writer w;
  scopes_format(grant->scopes, scopes);
  ulid_format(&made, id);
  json_writer_init(&w, claims);
  json_begin(&w, NULL);
  json_str(&w, "iss", terms->issuer);
  json_str(&w, "aud", terms->audience);
  json_str(&w, "sub", grant->client);
  json_str(&w, "scope", scopes);
  json_int(&w, "iat", now_ms / 1000);
  json_int(&w, "exp", grant->expires_at_ms / 1000);
  json_str(&w, "jti", id);
  json_end(&w);
}

void jwt_sign(const struct jwt_terms *terms, const struct grant *grant, int64_t now_ms,
              struct buf *out)
{
  unsigned char mac[MAC_LEN];
  struct buf claims, token;
  buf_init(&claims, PAYLOAD_MAX);
  buf_init(&token, 2 * PAYLOAD_MAX);
  write_claims(&claims, terms, grant, now_ms);
  append_part(&token, our_header, sizeof our_header - 1);
  buf_append_char(&token, '.');
  append_part(&token, claims.data, claims.len);
  mac_of(terms, token.data, token.len, mac);
  buf_append_char(&token, '.');
  append_part(&token, mac, MAC_LEN);
  assert(!claims.overflow && !token.overflow);
  buf_append(out, token.data, token.len);
  buf_deinit(&claims);
  buf_deinit(&token);
}

/* ── verifying ──────────────────────────────────────────────────────────────────────────────── */

/* decode_object() gives the JSON object that a part stands for, or NULL. */
static json_t *decode_object(const char *text, size_t len)
{
  unsigned char bytes[JWT_TOKEN_MAX];
  long n = base64url_decode(text, len, bytes, sizeof bytes);
  if (n < 0) return NULL;
  json_t *root = json_loadb((const char *)bytes, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(root)) return root;
  json_decref(root);
  return NULL;
}

static bool text_is(const json_t *value, const char *text)
{
  return json_is_string(value) && json_string_length(value) == strlen(text) &&
         strcmp(json_string_value(value), text) == 0;
}

/* Ours is compared as it stands, another one's is read. */
static bool header_good(const char *text, size_t len)
{
  char ours[BASE64URL_LEN(sizeof our_header - 1) + 1];
  base64url_encode(our_header, sizeof our_header - 1, ours);
  if (len == sizeof ours - 1 && memcmp(text, ours, len) == 0) return true;
  json_t *header = decode_object(text, len);
  if (!header) return false;
  const json_t *type = json_object_get(header, "typ");
  bool good = text_is(json_object_get(header, "alg"), "HS256") &&
              !json_object_get(header, "crit") &&
              (!type || text_is(type, "JWT") || text_is(type, "at+jwt"));
  json_decref(header);
  return good;
}

static bool audience_good(const json_t *aud, const char *ours)
{
  if (!json_is_array(aud)) return text_is(aud, ours);
  for (size_t i = 0; i < json_array_size(aud); i++)
    if (text_is(json_array_get(aud, i), ours)) return true;
  return false;
}

/* read_time() reads a NumericDate, which may have a fraction. */
static bool read_time(const json_t *value, int64_t *out_ms)
{
  if (!json_is_number(value)) return false;
  double seconds = json_number_value(value);
  if (!(seconds >= 0 && seconds < 1e12)) return false;
  *out_ms = (int64_t)(seconds * 1000);
  return true;
}

static const char *read_claims(const struct jwt_terms *terms, const json_t *claims, int64_t now_ms,
                               struct grant *out)
{
  const char *sub = json_string_value(json_object_get(claims, "sub"));
  const char *scope = json_string_value(json_object_get(claims, "scope"));
  const json_t *not_before = json_object_get(claims, "nbf");
  struct grant grant = {.scopes = 0};
  int64_t from_ms = 0;
  if (!text_is(json_object_get(claims, "iss"), terms->issuer)) return "it is of another issuer";
  if (!audience_good(json_object_get(claims, "aud"), terms->audience))
    return "it is for another audience";
  if (!read_time(json_object_get(claims, "exp"), &grant.expires_at_ms)) return "it has no exp";
  if (now_ms >= grant.expires_at_ms) return "it has expired";
  if (not_before && !read_time(not_before, &from_ms)) return "its nbf is no time";
  if (now_ms < from_ms) return "it is not good yet";
  if (!sub || !grant_client_valid(sub)) return "it has no sub";
  if (!scope || !scopes_parse(scope, " ", &grant.scopes)) return "it has no scope";
  memcpy(grant.client, sub, strlen(sub) + 1);
  *out = grant;
  return NULL;
}

/* signed_by_us() also says where the token's two dots are. */
static bool signed_by_us(const struct jwt_terms *terms, const char *token, size_t len,
                         const char **dot, const char **last)
{
  unsigned char given[MAC_LEN], mac[MAC_LEN];
  *dot = memchr(token, '.', len);
  if (!*dot) return false;
  *last = memchr(*dot + 1, '.', len - (size_t)(*dot + 1 - token));
  if (!*last) return false;
  const char *signature = *last + 1;
  if (base64url_decode(signature, len - (size_t)(signature - token), given, MAC_LEN) != MAC_LEN)
    return false;
  mac_of(terms, token, (size_t)(*last - token), mac);
  return CRYPTO_memcmp(given, mac, MAC_LEN) == 0;
}

enum status jwt_verify(const struct jwt_terms *terms, const char *token, size_t len, int64_t now_ms,
                       struct grant *out, const char **why)
{
  const char *dot, *last;
  *why = "its signature is not ours";
  if (len > JWT_TOKEN_MAX || !signed_by_us(terms, token, len, &dot, &last)) return ST_INVALID;
  *why = "its alg is not HS256";
  if (!header_good(token, (size_t)(dot - token))) return ST_INVALID;
  *why = "its claims are no JSON object";
  json_t *claims = decode_object(dot + 1, (size_t)(last - dot - 1));
  if (!claims) return ST_INVALID;
  *why = read_claims(terms, claims, now_ms, out);
  json_decref(claims);
  return *why ? ST_INVALID : ST_OK;
}

bool grant_client_valid(const char *id)
{
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-";
  size_t len = strspn(id, allowed);
  return len > 0 && len <= GRANT_CLIENT_MAX && id[len] == '\0';
}
