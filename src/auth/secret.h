/*
 * secret.h - what clients prove themselves with: 256 random bits as text, of which only a salted
 * scrypt hash is kept. Any thread; hashing takes some 100 ms and 32 MiB, so never on the loop.
 */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_LEN = 4 + 43, SECRET_HASH_MAX = 128 };

/* secret_random() fills data; there is no failing. */
void secret_random(void *data, size_t len);

/* secret_make() draws a new one: "oxs_" and 43 characters. */
void secret_make(char out[SECRET_LEN + 1]);

/* secret_hash() writes "scrypt$15$8$1$salt$hash": log2 of N, r and p are kept with it, so that they
 * may be raised. */
void secret_hash(const char *secret, char out[SECRET_HASH_MAX]);

/* secret_matches() takes the same time for every secret. With a hash that is none, or NULL, it says
 * false, after as long. */
bool secret_matches(const char *secret, const char *hash);

#endif
