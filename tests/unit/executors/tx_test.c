/* tx_test.c - transactions as bytes: what goes in comes out, and nothing else is taken for one. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executors/tx.c" /* for hash() */

static const struct tx sample = {
    .venue = "raydium",
    .order_id = "ord_01J00000000000000000000000",
    .draw_key = "my-own-id",
    .token_in = "SOL",
    .token_out = "USDC",
    .attempt = 2,
    .nonce = UINT64_MAX,
    .in_amount = 1500000000,
    .quoted_out = 226953171,
    .min_out_amount = 224683639,
    .leg_in = 500000000,
    .leg_quoted_out = 75651057,
    .expires_at_ms = 1769855400123,
};

static struct ox_tx encoded(const struct tx *tx)
{
  struct ox_tx out = {.size = sizeof out};
  cr_assert(tx_encode(tx, &out));
  return out;
}

Test(tx, comes_back_as_it_was)
{
  struct ox_tx bytes = encoded(&sample);
  cr_assert(bytes.expires_at_ms == sample.expires_at_ms);
  struct tx back;
  memset(&back, 'x', sizeof back);
  cr_assert(tx_decode(&bytes, &back));
  cr_assert_str_eq(back.venue, sample.venue);
  cr_assert_str_eq(back.order_id, sample.order_id);
  cr_assert_str_eq(back.draw_key, sample.draw_key);
  cr_assert_str_eq(back.token_in, sample.token_in);
  cr_assert_str_eq(back.token_out, sample.token_out);
  cr_assert(back.attempt == sample.attempt && back.nonce == sample.nonce);
  cr_assert(back.in_amount == sample.in_amount && back.quoted_out == sample.quoted_out);
  cr_assert(back.min_out_amount == sample.min_out_amount);
  cr_assert(back.leg_in == sample.leg_in && back.leg_quoted_out == sample.leg_quoted_out);
  cr_assert(back.expires_at_ms == sample.expires_at_ms);
}

Test(tx, the_same_has_the_same_hash)
{
  struct ox_tx one = encoded(&sample), two = encoded(&sample);
  cr_assert_str_eq(one.tx_hash, two.tx_hash);
  cr_assert(strlen(one.tx_hash) >= 32 && strlen(one.tx_hash) <= 44);
  cr_assert(strspn(one.tx_hash, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz") ==
            strlen(one.tx_hash));
}

Test(tx, another_attempt_or_nonce_has_another_hash)
{
  struct tx attempt = sample, nonce = sample;
  attempt.attempt++;
  nonce.nonce--;
  struct ox_tx a = encoded(&sample), b = encoded(&attempt), c = encoded(&nonce);
  cr_assert(strcmp(a.tx_hash, b.tx_hash) && strcmp(a.tx_hash, c.tx_hash) &&
            strcmp(b.tx_hash, c.tx_hash));
}

Test(tx, one_changed_bit_is_refused)
{
  struct ox_tx bytes = encoded(&sample);
  struct tx back;
  for (uint32_t i = 0; i < bytes.n_bytes; i++) {
    bytes.bytes[i] ^= 1;
    cr_assert(!tx_decode(&bytes, &back), "byte %u", i);
    bytes.bytes[i] ^= 1;
  }
  bytes.tx_hash[5] ^= 1;
  cr_assert(!tx_decode(&bytes, &back));
}

Test(tx, more_or_fewer_bytes_are_refused)
{
  struct ox_tx whole = encoded(&sample);
  struct tx back;
  for (uint32_t n = 0; n < sizeof whole.bytes; n++) {
    struct ox_tx cut = whole;
    cut.n_bytes = n;
    cr_assert(tx_decode(&cut, &back) == (n == whole.n_bytes), "%u bytes", n);
  }
  whole.n_bytes = sizeof whole.bytes + 1;
  cr_assert(!tx_decode(&whole, &back));
}

/* With a hash that is right, it is the reading that has to refuse them. */
Test(tx, bytes_that_are_none_are_refused_though_their_hash_is_right)
{
  struct ox_tx whole = encoded(&sample);
  struct tx back;
  for (uint32_t i = 1; i <= whole.n_bytes; i++) {
    struct ox_tx cut = whole;
    cut.n_bytes = i;
    cr_assert(hash(&cut, cut.tx_hash));
    cr_assert(tx_decode(&cut, &back) == (i == whole.n_bytes), "%u bytes", i);
  }
  uint32_t seed = 1;
  for (int round = 0; round < 20000; round++) {
    struct ox_tx spoilt = whole;
    seed = seed * 1664525 + 1013904223;
    uint32_t at = seed >> 8 & 127;
    spoilt.bytes[at] = (unsigned char)(seed >> 24);
    if (round % 4 == 0) spoilt.n_bytes = seed >> 16 & 511;
    cr_assert(hash(&spoilt, spoilt.tx_hash));
    if (tx_decode(&spoilt, &back)) cr_assert(strlen(back.draw_key) < sizeof back.draw_key);
  }
}

Test(tx, a_text_with_a_nul_inside_is_refused)
{
  struct ox_tx bytes = encoded(&sample);
  bytes.bytes[4] = 0;
  struct tx back;
  cr_assert(hash(&bytes, bytes.tx_hash));
  cr_assert(!tx_decode(&bytes, &back));
}

Test(tx, the_longest_fits_and_a_longer_one_is_refused)
{
  struct tx longest = sample;
  memset(longest.venue, 'v', sizeof longest.venue - 1);
  memset(longest.order_id, 'o', sizeof longest.order_id - 1);
  memset(longest.draw_key, 'd', sizeof longest.draw_key - 1);
  memset(longest.token_in, 'i', sizeof longest.token_in - 1);
  memset(longest.token_out, 'u', sizeof longest.token_out - 1);
  struct ox_tx bytes = encoded(&longest);
  struct tx back;
  cr_assert(bytes.n_bytes <= OX_TX_BYTES_MAX && tx_decode(&bytes, &back));
  cr_assert_str_eq(back.draw_key, longest.draw_key);

  struct tx unended = sample;
  memset(unended.draw_key, 'd', sizeof unended.draw_key);
  cr_assert(!tx_encode(&unended, &bytes));
}

static void is_base58(const char *hex, const char *expected)
{
  unsigned char digest[32];
  char text[OX_TX_HASH_MAX];
  for (int i = 0; i < 32; i++) cr_assert(sscanf(hex + 2 * i, "%2hhx", &digest[i]) == 1);
  base58(digest, text);
  cr_assert_str_eq(text, expected);
}

Test(tx, hashes_are_written_as_everybody_writes_them)
{
  is_base58("0000000000000000000000000000000000000000000000000000000000000000",
            "11111111111111111111111111111111");
  is_base58("0000000000000000000000000000000000000000000000000000000000000001",
            "11111111111111111111111111111112");
  is_base58("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG");
  is_base58("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "GKot5hBsd81kMupNCXHaqbhv3huEbxAFMLnpcX2hniwn");
  is_base58("00b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "13hLLGUikKdgdtXCiyqEcFX2JVeGLJ3SoSnFMFboB6sW");
}

Test(tx, hashes_do_not_meet)
{
  enum { N = 2000 };
  static char hashes[N][OX_TX_HASH_MAX];
  struct tx tx = sample;
  for (int i = 0; i < N; i++) {
    tx.nonce = (uint64_t)i;
    memcpy(hashes[i], encoded(&tx).tx_hash, OX_TX_HASH_MAX);
  }
  qsort(hashes, N, sizeof *hashes, (int (*)(const void *, const void *))strcmp);
  for (int i = 1; i < N; i++) cr_assert(strcmp(hashes[i - 1], hashes[i]) < 0);
}
