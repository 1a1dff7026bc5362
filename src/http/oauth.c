/*
 * oauth.c - POST /oauth/token: a client shows its secret and gets a token (RFC 6749, the client
 * credentials grant; the errors are that standard's too). What waits is the reply and the scopes
 * that were asked for.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/base64url.h"
#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/audit.h"
#include "http/handlers.h"
#include "net/http_query.h"

enum { VALUE_MAX = 256, BASIC_MAX = 512, RETRY_MAX = 24 };

struct credentials {
  char client[VALUE_MAX], secret[VALUE_MAX];
};

struct waiting {
  struct call call;
  char client[GRANT_CLIENT_MAX + 1], address[INET6_ADDRSTRLEN];
  unsigned scopes; /* 0: all that the client has */
};

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static void refuse(const struct call *call, int status, const char *error, const char *why)
{
  const struct http_header headers[] = {{"Pragma", "no-cache"},
                                        {"WWW-Authenticate", "Basic realm=\"ox\""}};
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  json_str(&w, "error", error);
  json_str(&w, "error_description", why);
  json_end(&w);
  answer_send(call, status, headers, status == 401 ? 2 : 1);
}

static void refuse_request(const struct call *call, const char *why)
{
  refuse(call, 400, "invalid_request", why);
}

static void refuse_busy(const struct call *call, int64_t retry_ms)
{
  char seconds[RETRY_MAX];
  snprintf(seconds, sizeof seconds, "%lld", (long long)((retry_ms + 999) / 1000));
  answer_problem_with(call, PROBLEM_TOO_MANY_REQUESTS, "too many logins, or too many that failed",
                      (struct http_header){"Retry-After", seconds});
}

static void give_token(const struct call *call, const struct grant *grant)
{
  const struct http_header headers[] = {{"Pragma", "no-cache"}};
  char scopes[SCOPES_TEXT_MAX];
  struct buf token;
  buf_init(&token, 2 * VALUE_MAX + 4096);
  int64_t ttl_s = auth_issue(call->api->auth, grant, &token);
  scopes_format(grant->scopes, scopes);
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  json_strn(&w, "access_token", token.data, token.len);
  json_str(&w, "token_type", "Bearer");
  json_int(&w, "expires_in", ttl_s);
  json_str(&w, "scope", scopes);
  json_end(&w);
  answer_send(call, 200, headers, 1);
  buf_deinit(&token);
}

static void note(const struct waiting *w, int status)
{
  audit_login(&w->call, w->client, w->address, status);
}

static void on_login(void *arg, enum status status, const struct grant *grant, int64_t retry_ms)
{
  struct waiting *w = arg;
  if (status == ST_OK && (w->scopes & grant->scopes) != w->scopes) {
    note(w, 400);
    refuse(&w->call, 400, "invalid_scope", "the client does not have all of these scopes");
  } else if (status == ST_OK) {
    struct grant g = *grant;
    if (w->scopes) g.scopes = w->scopes;
    note(w, 200);
    give_token(&w->call, &g);
  } else if (status == ST_INVALID) {
    note(w, 401);
    refuse(&w->call, 401, "invalid_client", "no such client, or not its secret");
  } else if (status == ST_FULL) {
    note(w, 429);
    refuse_busy(&w->call, retry_ms);
  } else {
    answer_problem(&w->call, problem_of(status), NULL);
  }
  free(w);
}

/* ── what was asked ─────────────────────────────────────────────────────────────────────────── */

/* Base 64 with or without its padding; out has BASIC_MAX bytes. */
static bool decode_basic(const char *text, char *out)
{
  char url[BASIC_MAX];
  size_t len = strcspn(text, "= ");
  if (len >= sizeof url || text[len + strspn(text + len, "= ")] != '\0') return false;
  for (size_t i = 0; i < len; i++)
    url[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
  long n = base64url_decode(url, len, (unsigned char *)out, BASIC_MAX - 1);
  if (n < 0) return false;
  out[n] = '\0';
  return strlen(out) == (size_t)n;
}

/* "Basic base64(id:secret)", each of the two as in a form. */
static bool read_basic(const char *header, struct credentials *out)
{
  char text[BASIC_MAX];
  if (strncasecmp(header, "Basic ", 6) != 0 || !decode_basic(header + 6, text)) return false;
  const char *colon = strchr(text, ':');
  bool good = colon &&
              http_query_decode(text, (size_t)(colon - text), true, out->client, VALUE_MAX) > 0 &&
              http_query_decode(colon + 1, strlen(colon + 1), true, out->secret, VALUE_MAX) > 0;
  OPENSSL_cleanse(text, sizeof text);
  return good;
}

/* read_credentials() answers itself when they are not there, or there twice. */
static bool read_credentials(const struct call *call, const struct http_request *request,
                             struct credentials *out)
{
  const char *header = http_request_header(request, "Authorization");
  enum status id = http_query_value(request->body, "client_id", out->client, VALUE_MAX);
  enum status secret = http_query_value(request->body, "client_secret", out->secret, VALUE_MAX);
  if (header && secret != ST_NOT_FOUND) {
    refuse_request(call, "the client shows itself in the header or in the body, not in both");
    return false;
  }
  if (header) {
    char claimed[VALUE_MAX];
    snprintf(claimed, sizeof claimed, "%s", id == ST_OK ? out->client : "");
    if (!read_basic(header, out)) {
      refuse(call, 401, "invalid_client", "the Authorization header has no client and secret");
      return false;
    }
    if (id == ST_NOT_FOUND || strcmp(claimed, out->client) == 0) return true;
    refuse_request(call, "client_id is not that of the header");
    return false;
  }
  if (id == ST_OK && secret == ST_OK && *out->client && *out->secret) return true;
  if (id == ST_INVALID || secret == ST_INVALID)
    refuse_request(call, "client_id or client_secret is there twice, too long or not encoded well");
  else
    refuse(call, 401, "invalid_client", "client_id and client_secret are needed");
  return false;
}

/* read_form() answers itself when what was asked for cannot be given. */
static bool read_form(const struct call *call, const struct http_request *request, unsigned *scopes)
{
  char grant_type[VALUE_MAX], scope[VALUE_MAX];
  *scopes = 0;
  if (strlen(request->body) != request->body_len) {
    refuse_request(call, "the body is no form");
    return false;
  }
  enum status status = http_query_value(request->body, "grant_type", grant_type, sizeof grant_type);
  if (status != ST_OK) {
    refuse_request(call, "grant_type is needed, once");
    return false;
  }
  if (strcmp(grant_type, "client_credentials") != 0) {
    refuse(call, 400, "unsupported_grant_type", "grant_type must be client_credentials");
    return false;
  }
  status = http_query_value(request->body, "scope", scope, sizeof scope);
  if (status == ST_NOT_FOUND || (status == ST_OK && !*scope)) return true;
  if (status == ST_OK && scopes_parse(scope, " ", scopes)) return true;
  refuse(call, 400, "invalid_scope", "scopes are orders:read, orders:write and admin");
  return false;
}

static void log_in(const struct call *call, const struct http_request *request,
                   const struct credentials *given, unsigned scopes)
{
  char from[INET6_ADDRSTRLEN];
  struct waiting *w = mem_alloc(sizeof *w);
  *w = (struct waiting){.call = *call, .scopes = scopes};
  snprintf(w->client, sizeof w->client, "%.*s", GRANT_CLIENT_MAX, given->client);
  proxies_client(&call->api->proxies, request, w->address);
  memcpy(from, w->address, sizeof from);
  proxies_group(from);
  const struct auth_login login = {given->client, given->secret, from};
  auth_login(call->api->auth, &login, on_login, w);
}

void oauth_token_post(const struct call *call, const struct http_request *request,
                      const char *param)
{
  unsigned scopes;
  struct credentials given;
  (void)param;
  if (!read_form(call, request, &scopes)) return;
  if (read_credentials(call, request, &given)) {
    if (grant_client_valid(given.client)) {
      log_in(call, request, &given, scopes);
    } else {
      refuse(call, 401, "invalid_client", "no such client, or not its secret");
    }
  }
  OPENSSL_cleanse(&given, sizeof given);
}
