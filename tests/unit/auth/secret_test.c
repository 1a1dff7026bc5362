/* secret_test.c - only the right secret matches, only a whole hash is one. */
#include "auth/secret.h"

#include <criterion/criterion.h>
#include <string.h>

Test(secret, is_long_and_new_each_time)
{
  char a[SECRET_LEN + 1], b[SECRET_LEN + 1];
  secret_make(a);
  secret_make(b);
  cr_assert_eq(strlen(a), SECRET_LEN);
  cr_assert_eq(strncmp(a, "oxs_", 4), 0);
  cr_assert_str_neq(a, b);
}

Test(secret, matches_its_hash_alone)
{
  char secret[SECRET_LEN + 1], hash[SECRET_HASH_MAX], again[SECRET_HASH_MAX];
  secret_make(secret);
  secret_hash(secret, hash);
  secret_hash(secret, again);
  cr_assert_str_neq(hash, again, "the salt is new each time");
  cr_assert_null(strstr(hash, secret + 4));
  cr_assert(secret_matches(secret, hash));
  cr_assert(secret_matches(secret, again));
  secret[10] ^= 1;
  cr_assert_not(secret_matches(secret, hash));
  cr_assert_not(secret_matches("", hash));
}

/* RFC 7914's N = 16384, r = 8, p = 1 is another cost than ours, and read all the same: made with
 * hashlib.scrypt(b"pleaseletmein", salt=bytes(range(16)), n=16384, r=8, p=1, dklen=32). */
Test(secret, a_hash_of_another_cost)
{
  static const char hash[] = "scrypt$14$8$1$AAECAwQFBgcICQoLDA0ODw$"
                             "UxYE_nON8zrmLNK5lL_j9XPtKMDZ5VR_h1tkExic5Zo";
  cr_assert(secret_matches("pleaseletmein", hash));
  cr_assert_not(secret_matches("pleaseletmeout", hash));
}

Test(secret, what_is_no_hash_matches_nothing)
{
  static const char *const bad[] = {
      NULL,
      "",
      "scrypt$15$8$1$$",
      "scrypt$15$8$1$AAECAwQFBgcICQoLDA0ODw$",
      "bcrypt$15$8$1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODwAAECAwQFBgcICQoLDA0OA",
      "scrypt$99$8$1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODwAAECAwQFBgcICQoLDA0OA",
      "scrypt$15$0$1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODwAAECAwQFBgcICQoLDA0OA",
      "scrypt$15$8$1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODwAAECAwQFBgcICQoLDA0OA$x",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_not(secret_matches("pleaseletmein", bad[i]), "%s", bad[i]);
}
