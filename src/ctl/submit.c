/* submit.c - oxctl submit: place an order, told by options or as JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ulid.h"
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"
#include "ctl/watch.h"

enum { ORDER_MAX = 64 << 10 };

static const struct option options[] = {
    {"type", OPTION_WORD, "market|limit|sniper", "what kind of order (market)"},
    {"token-in", OPTION_TEXT, "TOKEN", "what to sell, as SOL"},
    {"token-out", OPTION_TEXT, "TOKEN", "what to buy, as USDC"},
    {"amount", OPTION_DECIMAL, "N", "how much of token-in"},
    {"slippage", OPTION_DECIMAL, "FRACTION", "how much worse than quoted it may get (0.01)"},
    {"limit-price", OPTION_DECIMAL, "PRICE", "limit: the least to get for one of token-in"},
    {"launch-token", OPTION_TEXT, "TOKEN", "sniper: fires when it is first listed"},
    {"expires-at", OPTION_TEXT, "TIME", "limit, sniper: 2026-01-31T10:30:00Z"},
    {"group", OPTION_TEXT, "ID", "orders of a group run one at a time, in order"},
    {"id", OPTION_TEXT, "ID", "an id of your own (clientOrderId)"},
    {"key", OPTION_TEXT, "KEY", "Idempotency-Key: a second submit with it places nothing (new)"},
    {"watch", OPTION_SWITCH, NULL, "then show each state as it comes"},
    {0},
};

/* ── the body ───────────────────────────────────────────────────────────────────────────────── */

static const struct {
  const char *option, *member;
  bool number; /* the API wants one; amounts and prices go as text, exactly as they were typed */
} members[] = {{"type", "type", false},
               {"token-in", "tokenIn", false},
               {"token-out", "tokenOut", false},
               {"amount", "amount", false},
               {"slippage", "slippage", true},
               {"limit-price", "limitPrice", false},
               {"launch-token", "launchToken", false},
               {"expires-at", "expiresAt", false},
               {"group", "groupId", false},
               {"id", "clientOrderId", false}};
enum { MEMBERS = sizeof members / sizeof *members };

/* How many of them were given. */
static size_t write_order(const struct arguments *a, struct buf *out)
{
  struct json_writer w;
  size_t n = 0;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  for (size_t i = 0; i < MEMBERS; i++) {
    const char *text = arguments_text(a, members[i].option);
    if (!text) continue;
    n++;
    if (members[i].number)
      json_raw(&w, members[i].member, text, strlen(text));
    else
      json_str(&w, members[i].member, text);
  }
  json_end(&w);
  return n;
}

static bool read_file(const char *path, struct buf *out)
{
  bool from_stdin = strcmp(path, "-") == 0;
  FILE *file = from_stdin ? stdin : fopen(path, "re");
  char chunk[4096];
  if (file) {
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) buf_append(out, chunk, n);
  }
  bool good = file && !ferror(file) && !out->overflow && out->len > 0;
  if (!good)
    fprintf(stderr, "oxctl submit: %s: %s\n", from_stdin ? "stdin" : path,
            out->overflow           ? "an order has at most 64 KiB"
            : file && !ferror(file) ? "there is nothing in it"
                                    : strerror(errno));
  if (file && !from_stdin) fclose(file);
  return good;
}

static bool read_order(const struct arguments *a, struct buf *out)
{
  size_t n = write_order(a, out);
  if (a->n_operands == 0) {
    if (n > 0) return true;
    fputs("oxctl submit: say what to swap (--token-in, --token-out, --amount), or name a FILE\n",
          stderr);
    return false;
  }
  if (n > 0) {
    fputs("oxctl submit: the order comes from the FILE or from options, not from both\n", stderr);
    return false;
  }
  buf_clear(out);
  return read_file(a->operands[0], out);
}

/* ── placing ────────────────────────────────────────────────────────────────────────────────── */

static enum exit_code show(struct session *s, const struct arguments *a, const struct reply *reply)
{
  struct json_object order;
  enum exit_code code = EXIT_DONE;
  bool watch = arguments_on(a, "watch");
  if (s->json && !watch) {
    show_json(reply->body.data, reply->body.len);
    return code;
  }
  if (!member_parse(reply->body.data, reply->body.len, &order) || !member(&order, "orderId")) {
    fputs("oxctl: the answer to the order is none\n", stderr);
    return EXIT_AWAY;
  }
  const char *id = member_or(&order, "orderId", "");
  if (!s->json) {
    terminal_style(STYLE_BOLD, stdout);
    table_put(id, stdout);
    terminal_style(STYLE_NONE, stdout);
    printf(" %s%s\n", member_or(&order, "status", ""), reply->replayed ? " (placed before)" : "");
    fflush(stdout);
  }
  if (watch) code = watch_order(s, id, 0);
  json_object_deinit(&order);
  return code;
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf body;
  struct reply reply;
  char made[ULID_LEN + 1];
  struct ulid id = ulid_make();
  const char *key = arguments_text(a, "key");
  enum exit_code code = EXIT_USAGE;
  ulid_format(&id, made);
  buf_init(&body, ORDER_MAX);
  if (!read_order(a, &body)) goto out;
  const struct http_request request = {.method = "POST",
                                       .path = "/api/orders",
                                       .body = body.data,
                                       .body_len = body.len,
                                       .key = key ? key : made};
  code = session_call(s, &request, &reply);
  if (code != EXIT_DONE) goto out;
  code = show(s, a, &reply);
  buf_deinit(&reply.body);
out:
  buf_deinit(&body);
  return code;
}

const struct command command_submit = {
    .name = "submit",
    .operands = "[FILE]",
    .most = 1,
    .summary = "Place an order",
    .about =
        "The order is told by options, or is the JSON in FILE (- is stdin), which may be of any "
        "type.\nWhen the answer is lost it is asked again under the same key: never placed "
        "twice.",
    .options = options,
    .run = run,
};
