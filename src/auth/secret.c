/* secret.c - see secret.h. scrypt is RFC 7914's, in OpenSSL. */
#include "auth/secret.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "auth/base64url.h"

enum { SALT_LEN = 16, HASH_LEN = 32, LOG_N = 15, R = 8, P = 1, LOG_N_MAX = 20, RP_MAX = 64 };
enum { MEMORY_MAX = 2 * 128 * R * (1 << LOG_N) };

struct kept {
  unsigned log_n, r, p;
  unsigned char salt[SALT_LEN], hash[HASH_LEN];
};

void secret_random(void *data, size_t len)
{
  int drawn = RAND_bytes(data, (int)len);
  assert(drawn == 1);
  (void)drawn;
}

void secret_make(char out[SECRET_LEN + 1])
{
  unsigned char bytes[32];
  secret_random(bytes, sizeof bytes);
  memcpy(out, "oxs_", 4);
  base64url_encode(bytes, sizeof bytes, out + 4);
  OPENSSL_cleanse(bytes, sizeof bytes);
}

static bool scrypt(const char *secret, const struct kept *k, unsigned char out[HASH_LEN])
{
  return EVP_PBE_scrypt(secret, strlen(secret), k->salt, SALT_LEN, UINT64_C(1) << k->log_n, k->r,
                        k->p, MEMORY_MAX, out, HASH_LEN) == 1;
}

void secret_hash(const char *secret, char out[SECRET_HASH_MAX])
{
  struct kept k = {.log_n = LOG_N, .r = R, .p = P};
  char salt[BASE64URL_LEN(SALT_LEN) + 1], hash[BASE64URL_LEN(HASH_LEN) + 1];
  secret_random(k.salt, SALT_LEN);
  bool hashed = scrypt(secret, &k, k.hash);
  assert(hashed);
  (void)hashed;
  base64url_encode(k.salt, SALT_LEN, salt);
  base64url_encode(k.hash, HASH_LEN, hash);
  snprintf(out, SECRET_HASH_MAX, "scrypt$%u$%u$%u$%s$%s", k.log_n, k.r, k.p, salt, hash);
}

static bool parse(const char *text, struct kept *k)
{
  char salt[BASE64URL_LEN(SALT_LEN) + 1], hash[BASE64URL_LEN(HASH_LEN) + 1];
  int end = -1;
  if (sscanf(text, "scrypt$%2u$%2u$%2u$%22[^$]$%43[^$]%n", &k->log_n, &k->r, &k->p, salt, hash,
             &end) != 5)
    return false;
  return end > 0 && text[end] == '\0' && k->log_n > 0 && k->log_n <= LOG_N_MAX && k->r > 0 &&
         k->r <= RP_MAX && k->p > 0 && k->p <= RP_MAX &&
         base64url_decode(salt, strlen(salt), k->salt, SALT_LEN) == SALT_LEN &&
         base64url_decode(hash, strlen(hash), k->hash, HASH_LEN) == HASH_LEN;
}

bool secret_matches(const char *secret, const char *hash)
{
  static const struct kept nobody = {.log_n = LOG_N, .r = R, .p = P};
  unsigned char given[HASH_LEN];
  struct kept k;
  bool known = hash && parse(hash, &k);
  if (!known) k = nobody;
  return scrypt(secret, &k, given) && CRYPTO_memcmp(given, k.hash, HASH_LEN) == 0 && known;
}
