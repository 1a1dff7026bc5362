/*
 * jwt.h - bearer tokens: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256, and nothing else of
 * that standard. Pure; any thread.
 *
 * DESIGN. Written on OpenSSL and jansson rather than on libjwt: what is needed is one MAC over
 * bytes that are compared as they came, and a pinned algorithm; a library that reads the algorithm
 * from the token, and of which each Debian has another interface, is the larger thing to trust. The
 * signature is checked before anything is parsed, so the parser sees only what we, or who has the
 * secret, have written.
 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "auth/grant.h"
#include "base/buf.h"
#include "base/status.h"

enum { JWT_TOKEN_MAX = 4096, JWT_SECRET_MIN = 32 };

/* What all tokens share; borrowed texts. */
struct jwt_terms {
  const char *secret;
  const char *issuer, *audience;
};

/* jwt_sign() appends the token of grant, good from now on. Times count in whole seconds. */
void jwt_sign(const struct jwt_terms *terms, const struct grant *grant, int64_t now_ms,
              struct buf *out);

/* jwt_verify() reads a token of ours. ST_INVALID: why says what is wrong, in a few words without
 * anything of the token. The token needs alg HS256, our iss, aud, a sub, a scope and an exp. */
enum status jwt_verify(const struct jwt_terms *terms, const char *token, size_t len, int64_t now_ms,
                       struct grant *out, const char **why) MUST_CHECK;

#endif
