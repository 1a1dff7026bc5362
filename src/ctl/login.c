/* login.c - oxctl login and logout: a client's credentials, kept for this user alone. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ctl/problem.h"
#include "ctl/prompt.h"
#include "ctl/session.h"

enum { ID_MAX = 128, SECRET_MAX = 512, ERROR_MAX = 512 };

static const struct option login_options[] = {
    {"client-id", OPTION_TEXT, "ID", "who; else OX_CLIENT_ID, else it is asked for"},
    {"secret-file", OPTION_FILE, "FILE",
     "the secret is its first line (- is stdin); else OX_CLIENT_SECRET, OX_CLIENT_SECRET_FILE, "
     "else "
     "it is asked for"},
    {"token-only", OPTION_SWITCH, NULL,
     "keep the token, not the secret: it ends when the token does"},
    {0},
};

static enum exit_code fail(const char *command, const char *error)
{
  fprintf(stderr, "oxctl %s: %s\n", command, error);
  return EXIT_USAGE;
}

static enum exit_code ask(const char *question, bool hidden, char *out, size_t len)
{
  enum exit_code code = prompt_ask(question, hidden, out, len);
  if (code == EXIT_USAGE)
    return fail("login", "there is no terminal to ask at; see --client-id and --secret-file");
  if (code == EXIT_DONE && !*out) return fail("login", "that was empty");
  return code;
}

static enum exit_code read_id(const struct arguments *a, char out[ID_MAX])
{
  const char *id = arguments_text(a, "client-id");
  if (!id) id = getenv("OX_CLIENT_ID");
  if (!id || !*id) return ask("client id: ", false, out, ID_MAX);
  if (strlen(id) >= ID_MAX) return fail("login", "that is no client id");
  memcpy(out, id, strlen(id) + 1);
  return EXIT_DONE;
}

static enum exit_code read_secret(const struct arguments *a, char out[SECRET_MAX])
{
  char error[ERROR_MAX], *text = NULL;
  const char *path = arguments_text(a, "secret-file"), *secret = getenv("OX_CLIENT_SECRET");
  if (!path && secret && *secret) {
    snprintf(out, SECRET_MAX, "%s", secret);
    return EXIT_DONE;
  }
  if (!path) path = getenv("OX_CLIENT_SECRET_FILE");
  if (!path || !*path) return ask("client secret: ", true, out, SECRET_MAX);
  if (token_secret_file(path, &text, error, sizeof error) != ST_OK) return fail("login", error);
  snprintf(out, SECRET_MAX, "%s", text);
  explicit_bzero(text, strlen(text));
  free(text);
  return EXIT_DONE;
}

struct exchange {
  bool done;
  enum exit_code code;
  struct session *session;
};

static void on_token(void *arg, const struct http_answer *answer)
{
  struct exchange *x = arg;
  x->done = true;
  x->code = session_renewed(x->session, answer);
  if (x->code != EXIT_DONE) problem_print(answer, stderr);
}

static enum exit_code get_token(struct session *s)
{
  struct exchange x = {.session = s};
  struct http_exchange *exchange = session_renew(s, on_token, &x);
  if (session_run(s, &x.done)) return x.code;
  http_cancel(exchange);
  return session_signalled(s);
}

static enum exit_code run_login(struct session *s, const struct arguments *a)
{
  char id[ID_MAX], secret[SECRET_MAX] = "", error[ERROR_MAX];
  enum exit_code code = read_id(a, id);
  if (code == EXIT_DONE) code = read_secret(a, secret);
  if (code == EXIT_DONE) {
    tokens_set_client(s->tokens, id, secret);
    code = get_token(s);
  }
  explicit_bzero(secret, sizeof secret);
  if (code != EXIT_DONE) return code;
  if (tokens_save(s->tokens, !arguments_on(a, "token-only"), error, sizeof error) != ST_OK) {
    fail("login", error);
    return EXIT_LOCAL;
  }
  fprintf(stderr, "logged in at %s as %s\n", s->url, id);
  return EXIT_DONE;
}

static enum exit_code run_logout(struct session *s, const struct arguments *a)
{
  char error[ERROR_MAX];
  (void)a;
  enum status status = tokens_forget(s->tokens, error, sizeof error);
  if (status == ST_OK || status == ST_NOT_FOUND) {
    fprintf(stderr, status == ST_OK ? "logged out of %s\n" : "not logged in at %s\n", s->url);
    return EXIT_DONE;
  }
  fail("logout", error);
  return EXIT_LOCAL;
}

const struct command command_login = {
    .name = "login",
    .operands = "",
    .summary = "Get a token, and keep it for this user",
    .about =
        "It is kept in $XDG_CONFIG_HOME/ox/credentials.json (else ~/.config), readable by this "
        "user\nalone, and had anew when it has run out. OX_TOKEN and OX_CLIENT_ID go before it.",
    .options = login_options,
    .run = run_login,
};

const struct command command_logout = {
    .name = "logout",
    .operands = "",
    .summary = "Forget what login kept of this server",
    .run = run_logout,
};
