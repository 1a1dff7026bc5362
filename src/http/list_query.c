/*
 * list_query.c - see list_query.h.
 *
 * A cursor is the last id that was looked at, behind a hash of the question: it goes on with that
 * question, and no other. It is no secret: whose orders are shown is asked anew with each page.
 */
#include "http/list_query.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/http.h"
#include "net/http_query.h"

enum { LIMIT_DEFAULT = 50, HASH_LEN = 8, CURSOR_BYTES = HASH_LEN + 16 };

static const char *const names[LIST_PARAMS] = {
    [LIST_TYPE] = "type",        [LIST_STATUS] = "status",
    [LIST_PHASE] = "phase",      [LIST_USER_ID] = "user_id",
    [LIST_TOKEN_IN] = "tokenIn", [LIST_TOKEN_OUT] = "tokenOut",
    [LIST_FROM] = "from",        [LIST_TO] = "to",
    [LIST_SORT] = "sort",        [LIST_LIMIT] = "limit",
    [LIST_CURSOR] = "cursor",
};

struct reading {
  const struct registry *registry;
  struct list_query *q;
  struct problem_errors *errors;
};

static void complain(const struct reading *r, enum list_param p, const char *code,
                     const char *detail)
{
  problem_errors_add_member(r->errors, names[p], code, detail);
}

/* ── the texts ──────────────────────────────────────────────────────────────────────────────── */

static bool known(const char *name)
{
  for (int p = 0; p < LIST_PARAMS; p++)
    if (strcmp(names[p], name) == 0) return true;
  return false;
}

static void refuse_unknown(const struct reading *r, const char *query)
{
  char name[LIST_TEXT_MAX];
  for (const char *at = query; at && *at;) {
    size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");
    if (len > 0 && http_query_decode(at, name_len, true, name, sizeof name) < 0)
      problem_errors_add(r->errors, "", "INVALID_QUERY", "a query parameter has no proper name");
    else if (len > 0 && !known(name))
      problem_errors_add_member(r->errors, name, "UNKNOWN_PARAMETER", "is not asked for here");
    at += len;
    if (*at == '&') at++;
  }
}

static void read_texts(const struct reading *r, const char *query)
{
  for (enum list_param p = 0; p < LIST_PARAMS; p++) {
    enum status status = http_query_value(query, names[p], r->q->text[p], LIST_TEXT_MAX);
    if (status == ST_NOT_FOUND)
      r->q->text[p][0] = '\0';
    else if (status != ST_OK || !r->q->text[p][0])
      complain(r, p, "INVALID_QUERY", "is empty, too long, there twice, or has a bad escape");
  }
}

static const char *text_of(const struct reading *r, enum list_param p)
{
  return r->q->text[p][0] ? r->q->text[p] : NULL;
}

/* ── what they mean ─────────────────────────────────────────────────────────────────────────── */

static bool is_number(const char *text)
{
  return *text && strspn(text, "0123456789") == strlen(text);
}

static int64_t time_of(const struct reading *r, enum list_param p)
{
  const char *text = text_of(r, p);
  int64_t ms = -1;
  if (!text) return -1;
  if (is_number(text) && strlen(text) <= 15) return strtoll(text, NULL, 10);
  if (!clock_rfc3339_parse(text, &ms) || ms < 0)
    complain(r, p, "INVALID_TIME",
             "must be a time: epoch milliseconds, or as 2026-01-31T10:30:00Z");
  return ms;
}

/* The phases that orders of this type in this state are in, as bits; 0: there is no such state. */
static unsigned phases(const struct reading *r, const char *type, const char *status)
{
  unsigned bits = 0;
  for (size_t i = 0; i < registry_types(r->registry); i++) {
    const struct order_type *t = registry_type_at(r->registry, i);
    if (type && strcmp(t->name, type) != 0) continue;
    for (size_t k = 0; k < t->n_states; k++)
      if (!status || strcmp(t->states[k].name, status) == 0) bits |= 1u << t->states[k].phase;
  }
  return bits;
}

/* What can be answered by an index that holds only what is rare. */
static void choose_source(struct list_query *q, unsigned bits)
{
  const unsigned open = 1u << OX_QUEUED | 1u << OX_ACTIVE;
  q->nothing = bits == 0;
  if (q->filter.user_id) {
    q->filter.source = LISTER_USER;
  } else if ((bits & ~open) == 0) {
    q->filter.source = LISTER_OPEN;
  } else if (bits == 1u << OX_FAILED || bits == 1u << OX_CANCELLED) {
    q->filter.source = LISTER_ENDED;
    q->filter.phase = bits == 1u << OX_FAILED ? OX_FAILED : OX_CANCELLED;
  } else if (strcmp(q->filter.tenant, LISTER_SOLE) != 0) {
    q->filter.source = LISTER_CLIENT;
  }
}

static void read_kind(const struct reading *r)
{
  struct lister_filter *f = &r->q->filter;
  const char *type = text_of(r, LIST_TYPE), *status = text_of(r, LIST_STATUS);
  const char *phase_name = text_of(r, LIST_PHASE);
  enum ox_phase phase;
  bool type_known = !type || registry_type(r->registry, type);
  if (!type_known) complain(r, LIST_TYPE, "UNKNOWN_TYPE", "is not a type of order");
  unsigned bits = phases(r, type, status);
  if (type_known && bits == 0)
    complain(r, LIST_STATUS, "UNKNOWN_STATUS", "is not a status of any such order");
  if (phase_name && order_phase_parse(phase_name, &phase)) {
    f->phase = (int)phase;
    bits &= 1u << phase;
  } else if (phase_name) {
    complain(r, LIST_PHASE, "UNKNOWN_PHASE",
             "must be one of queued, active, succeeded, failed, cancelled");
  }
  f->type = type;
  f->status = status;
  choose_source(r->q, bits);
}

static void read_page(const struct reading *r)
{
  const char *limit = text_of(r, LIST_LIMIT), *sort = text_of(r, LIST_SORT);
  r->q->limit = LIMIT_DEFAULT;
  if (limit) r->q->limit = is_number(limit) && strlen(limit) <= 6 ? strtoul(limit, NULL, 10) : 0;
  if (r->q->limit < 1 || r->q->limit > LISTER_PAGE_MAX)
    complain(r, LIST_LIMIT, "OUT_OF_RANGE", "must be a whole number from 1 to 200");
  r->q->filter.oldest_first = sort && strcmp(sort, "createdAt") == 0;
  if (sort && !r->q->filter.oldest_first && strcmp(sort, "-createdAt") != 0)
    complain(r, LIST_SORT, "UNKNOWN_SORT", "must be createdAt or -createdAt");
}

/* ── cursors ────────────────────────────────────────────────────────────────────────────────── */

/* Of all that decides which orders come in which order; not of how many come at once. */
static void hash(const struct list_query *q, unsigned char out[HASH_LEN])
{
  struct buf all;
  unsigned char digest[EVP_MAX_MD_SIZE];
  buf_init(&all, (LIST_PARAMS + 1) * 2 * LIST_TEXT_MAX);
  buf_append_str(&all, q->filter.tenant);
  for (enum list_param p = 0; p < LIST_LIMIT; p++)
    buf_appendf(&all, "\n%s", p == LIST_SORT && !q->filter.oldest_first ? "" : q->text[p]);
  if (!EVP_Digest(all.data, all.len, digest, NULL, EVP_sha256(), NULL)) memset(digest, 0, HASH_LEN);
  memcpy(out, digest, HASH_LEN);
  buf_deinit(&all);
}

void list_query_cursor(const struct list_query *q, const struct ulid *id, char out[LIST_CURSOR_MAX])
{
  unsigned char bytes[CURSOR_BYTES];
  hash(q, bytes);
  memcpy(bytes + HASH_LEN, id->bytes, sizeof id->bytes);
  for (size_t i = 0; i < CURSOR_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool unhex(const char *text, unsigned char *out, size_t len)
{
  if (strlen(text) != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    int high = http_query_hex(text[2 * i]), low = http_query_hex(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

static void read_cursor(const struct reading *r)
{
  const char *text = text_of(r, LIST_CURSOR);
  unsigned char bytes[CURSOR_BYTES], wanted[HASH_LEN];
  if (!text) return;
  hash(r->q, wanted);
  if (unhex(text, bytes, CURSOR_BYTES) && memcmp(bytes, wanted, HASH_LEN) == 0) {
    memcpy(r->q->behind.bytes, bytes + HASH_LEN, sizeof r->q->behind.bytes);
    r->q->filter.behind = &r->q->behind;
  } else {
    complain(r, LIST_CURSOR, "INVALID_CURSOR",
             "must be a nextCursor of an earlier answer to the same question");
  }
}

static void append_encoded(struct buf *out, const char *text)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
      buf_append_char(out, (char)c);
    else
      buf_appendf(out, "%%%02X", c);
  }
}

void list_query_next(const struct list_query *q, const char *cursor, struct buf *out)
{
  for (enum list_param p = 0; p < LIST_CURSOR; p++) {
    if (!q->text[p][0]) continue;
    buf_appendf(out, "%s=", names[p]);
    append_encoded(out, q->text[p]);
    buf_append_char(out, '&');
  }
  buf_appendf(out, "cursor=%s", cursor);
}

bool list_query_parse(const struct registry *registry, const char *tenant, const char *query,
                      struct list_query *out, struct problem_errors *errors)
{
  const struct reading r = {registry, out, errors};
  struct lister_filter *f = &out->filter;
  *f = (struct lister_filter){.source = LISTER_ALL, .tenant = tenant, .phase = -1};
  refuse_unknown(&r, query);
  read_texts(&r, query);
  if (errors->n > 0) return false;
  f->user_id = text_of(&r, LIST_USER_ID);
  f->token_in = text_of(&r, LIST_TOKEN_IN);
  f->token_out = text_of(&r, LIST_TOKEN_OUT);
  f->from_ms = time_of(&r, LIST_FROM);
  f->to_ms = time_of(&r, LIST_TO);
  read_kind(&r);
  read_page(&r);
  read_cursor(&r);
  return errors->n == 0;
}
