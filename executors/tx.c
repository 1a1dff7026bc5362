/*
 * tx.c - simulated transactions as bytes. Pure; any thread.
 *
 * A version byte, then the members in the order of struct tx: strings as a length byte and their
 * bytes, numbers as little-endian words. Nothing may follow.
 */
#include "tx.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum { VERSION = 2, DIGEST_LEN = 32 };

/* ── the hash ────────────────────────────────────────────────────────────────────────────────── */

/* Base 58, as Bitcoin and Solana write it: big-endian, a '1' for each zero byte it begins with. The
 * digest is divided as a whole, by five digits at a time. */
static void base58(const unsigned char *digest, char *text)
{
  static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  enum { WORDS = DIGEST_LEN / 4, STEPS = 9, DIGITS = STEPS * 5, FIVE_DIGITS = 656356768 };
  uint32_t words[WORDS];
  char digits[DIGITS];
  for (size_t i = 0; i < WORDS; i++) {
    const unsigned char *p = digest + 4 * i;
    words[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  }
  for (size_t n = DIGITS; n > 0;) {
    uint64_t rest = 0;
    for (size_t i = 0; i < WORDS; i++) {
      rest = rest << 32 | words[i];
      words[i] = (uint32_t)(rest / FIVE_DIGITS);
      rest %= FIVE_DIGITS;
    }
    for (int k = 0; k < 5; k++, rest /= 58) digits[--n] = alphabet[rest % 58];
  }
  size_t first = 0;
  while (first < DIGITS && digits[first] == alphabet[0]) first++;
  for (size_t i = 0; i < DIGEST_LEN && digest[i] == 0; i++) *text++ = alphabet[0];
  memcpy(text, digits + first, DIGITS - first);
  text[DIGITS - first] = '\0';
}

static EVP_MD *sha256;

static void fetch_sha256(void)
{
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* What EVP_sha256() gives is looked up again at each use: that is half of the cost. */
static bool hash(const struct ox_tx *tx, char *text)
{
  static pthread_once_t fetched = PTHREAD_ONCE_INIT;
  unsigned char digest[DIGEST_LEN];
  pthread_once(&fetched, fetch_sha256);
  if (!sha256 || EVP_Digest(tx->bytes, tx->n_bytes, digest, NULL, sha256, NULL) != 1) return false;
  base58(digest, text);
  return true;
}

/* ── to bytes ────────────────────────────────────────────────────────────────────────────────── */

_Static_assert(1 + OX_NAME_MAX + 2 * TX_ID_MAX + 2 * TOKEN_SYMBOL_MAX + 8 * 8 <= OX_TX_BYTES_MAX,
               "the longest transaction fits");

static void put_number(struct ox_tx *out, uint64_t value)
{
  for (int i = 0; i < 8; i++, value >>= 8) out->bytes[out->n_bytes++] = (unsigned char)value;
}

static bool put_text(struct ox_tx *out, const char *text, size_t max)
{
  size_t len = strnlen(text, max);
  if (len == max) return false;
  out->bytes[out->n_bytes++] = (unsigned char)len;
  memcpy(out->bytes + out->n_bytes, text, len);
  out->n_bytes += (uint32_t)len;
  return true;
}

bool tx_encode(const struct tx *tx, struct ox_tx *out)
{
  out->bytes[0] = VERSION;
  out->n_bytes = 1;
  if (!put_text(out, tx->venue, sizeof tx->venue) ||
      !put_text(out, tx->order_id, sizeof tx->order_id) ||
      !put_text(out, tx->draw_key, sizeof tx->draw_key) ||
      !put_text(out, tx->token_in, sizeof tx->token_in) ||
      !put_text(out, tx->token_out, sizeof tx->token_out))
    return false;
  put_number(out, tx->attempt);
  put_number(out, tx->nonce);
  put_number(out, tx->in_amount);
  put_number(out, tx->quoted_out);
  put_number(out, tx->min_out_amount);
  put_number(out, (uint64_t)tx->expires_at_ms);
  put_number(out, tx->leg_in);
  put_number(out, tx->leg_quoted_out);
  out->expires_at_ms = tx->expires_at_ms;
  return hash(out, out->tx_hash);
}

/* ── and back ────────────────────────────────────────────────────────────────────────────────── */

struct cursor {
  const unsigned char *p, *end;
};

static bool get_number(struct cursor *c, uint64_t *value)
{
  if (c->end - c->p < 8) return false;
  *value = 0;
  for (int i = 7; i >= 0; i--) *value = *value << 8 | c->p[i];
  c->p += 8;
  return true;
}

static bool get_text(struct cursor *c, char *text, size_t max)
{
  if (c->p == c->end) return false;
  size_t len = *c->p++;
  if (len >= max || (size_t)(c->end - c->p) < len || memchr(c->p, 0, len)) return false;
  memcpy(text, c->p, len);
  text[len] = '\0';
  c->p += len;
  return true;
}

bool tx_decode(const struct ox_tx *in, struct tx *tx)
{
  char expected[OX_TX_HASH_MAX];
  if (in->n_bytes == 0 || in->n_bytes > sizeof in->bytes || in->bytes[0] != VERSION) return false;
  if (!hash(in, expected) || strcmp(expected, in->tx_hash) != 0) return false;
  struct cursor c = {in->bytes + 1, in->bytes + in->n_bytes};
  uint64_t attempt, expires_at_ms;
  if (!get_text(&c, tx->venue, sizeof tx->venue) ||
      !get_text(&c, tx->order_id, sizeof tx->order_id) ||
      !get_text(&c, tx->draw_key, sizeof tx->draw_key) ||
      !get_text(&c, tx->token_in, sizeof tx->token_in) ||
      !get_text(&c, tx->token_out, sizeof tx->token_out))
    return false;
  if (!get_number(&c, &attempt) || !get_number(&c, &tx->nonce) || !get_number(&c, &tx->in_amount) ||
      !get_number(&c, &tx->quoted_out) || !get_number(&c, &tx->min_out_amount) ||
      !get_number(&c, &expires_at_ms) || !get_number(&c, &tx->leg_in) ||
      !get_number(&c, &tx->leg_quoted_out) || c.p != c.end || attempt > UINT32_MAX)
    return false;
  tx->attempt = (uint32_t)attempt;
  tx->expires_at_ms = (int64_t)expires_at_ms;
  return true;
}
