/*
 * http_message.c - parsing and checking of requests. The one file that knows the parser library:
 * llhttp, or http-parser on Debian 12, which has no other. Pure; messages belong to the loop
 * thread.
 *
 * DESIGN: the head goes to the library line by line, each checked first, since the packaged library
 * takes much that another server reads differently: a bare LF, folded lines, several spaces, names
 * with a space. Bodies are not for the library (http_chunks.c says why). Whatever could be read in
 * two ways is refused, for a proxy in front may have read the other.
 */
#include "net/http_message.h"

#include <assert.h>
#if __has_include(<llhttp.h>)
#include <llhttp.h>
#else
#include <http_parser.h>
#define USE_HTTP_PARSER
#endif
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/http_query.h"

enum phase { REQUEST_LINE, HEADERS, BODY_START, BODY, DONE, REFUSED };

static enum http_parsed refuse(struct http_message *m, int status, const char *detail)
{
  m->status = status;
  m->detail = detail;
  m->phase = REFUSED;
  return PARSED_REFUSED;
}

/* ── the library ── */

#ifdef USE_HTTP_PARSER
typedef http_parser parser_state;
typedef http_parser_settings parser_callbacks;
typedef enum http_errno parser_errno;
enum { F_CONTENT_LENGTH = F_CONTENTLENGTH };
#else
typedef llhttp_t parser_state;
typedef llhttp_settings_t parser_callbacks;
typedef llhttp_errno_t parser_errno;
#endif
_Static_assert(sizeof(parser_state) <= HTTP_PARSER_SIZE, "no room for the parser");

static parser_state *parser_of(struct http_message *m)
{
  return (parser_state *)(void *)m->parser;
}

static bool is_token_char(char c)
{
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (!is_token_char(text[i])) return false;
  return len > 0;
}

/* Makes the library stop. */
static int stop(struct http_message *m, int status, const char *detail)
{
  refuse(m, status, detail);
  return -1;
}

/* A whole line at a time goes in, so a name or a value always comes in one piece. */
static int on_name(parser_state *p, const char *at, size_t len)
{
  struct http_message *m = p->data;
  if (m->n_headers == HTTP_HEADERS_MAX) return stop(m, 431, "too many headers");
  if (!is_token(at, len)) return stop(m, 400, "malformed header name");
  size_t name = (size_t)(at - m->base);
  m->base[name + len] = '\0';
  m->headers[m->n_headers].name = (uint16_t)name;
  m->headers[m->n_headers++].value = (uint16_t)(name + len); /* empty, until on_value() */
  return 0;
}

static bool is_text(const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f) return false;
  return true;
}

static int on_value(parser_state *p, const char *at, size_t len)
{
  struct http_message *m = p->data;
  while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
  if (len == 0) return 0; /* at may be beyond the line */
  /* The library does not look at the first character. */
  if (!is_text(at, len)) return stop(m, 400, "invalid character in a header");
  size_t value = (size_t)(at - m->base);
  m->base[value + len] = '\0';
  m->headers[m->n_headers - 1].value = (uint16_t)value;
  return 0;
}

static int on_head_complete(parser_state *p)
{
  struct http_message *m = p->data;
  m->content_length = p->flags & F_CONTENT_LENGTH ? p->content_length : 0;
  m->phase = BODY_START;
  return 1; /* the body is not for the library */
}

static const parser_callbacks callbacks = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
};

static enum http_parsed refuse_as(struct http_message *m, parser_errno error)
{
  switch (error) {
  case HPE_INVALID_METHOD:
    return refuse(m, 501, "this method is not supported");
  case HPE_INVALID_CONTENT_LENGTH:
    return refuse(m, 400, "malformed Content-Length");
  case HPE_UNEXPECTED_CONTENT_LENGTH:
    return refuse(m, 400, "Content-Length twice, or together with Transfer-Encoding");
  case HPE_INVALID_HEADER_TOKEN:
    return refuse(m, 400, "invalid character in a header");
  case HPE_INVALID_URL:
    return refuse(m, 400, "malformed request target");
  default:
    return refuse(m, 400, "malformed request");
  }
}

#ifdef USE_HTTP_PARSER
static void init(parser_state *p)
{
  http_parser_init(p, HTTP_REQUEST);
}

static parser_errno execute(parser_state *p, const char *line, size_t len)
{
  size_t used = http_parser_execute(p, &callbacks, line, len);
  assert(used == len || HTTP_PARSER_ERRNO(p) != HPE_OK);
  return HTTP_PARSER_ERRNO(p);
}
#else
static void init(parser_state *p)
{
  llhttp_init(p, HTTP_REQUEST, &callbacks);
  llhttp_set_lenient_version(p, true); /* take_version() looks at it */
}

static parser_errno execute(parser_state *p, const char *line, size_t len)
{
  parser_errno error = llhttp_execute(p, line, len);
  return error == HPE_PAUSED_UPGRADE ? HPE_OK : error; /* its way to say that the head is done */
}
#endif

static enum http_parsed feed(struct http_message *m, const char *line, size_t len)
{
  parser_errno error = execute(parser_of(m), line, len);
  if (m->phase == REFUSED) return PARSED_REFUSED;
  return error == HPE_OK ? PARSED_MORE : refuse_as(m, error);
}

void http_message_init(struct http_message *m)
{
  memset(m, 0, offsetof(struct http_message, headers));
  init(parser_of(m));
  parser_of(m)->data = m;
}

/* ── the request line ── */

/* The path of an absolute-form target, or NULL: http://host:1/path?query. */
static const char *after_authority(const char *target, const char *end)
{
  size_t scheme = 0;
  if (strncasecmp(target, "http://", 7) == 0) scheme = 7;
  if (strncasecmp(target, "https://", 8) == 0) scheme = 8;
  if (scheme == 0) return NULL;
  const char *at = target + scheme;
  while (at < end && *at != '/' && *at != '?') at++;
  return at > target + scheme ? at : NULL;
}

static enum http_parsed take_target(struct http_message *m, const char *at, const char *end)
{
  const char *path = *at == '/' ? at : after_authority(at, end);
  bool options = strncmp(m->base + m->method, "OPTIONS ", 8) == 0;
  if (options && end - at == 1 && *at == '*') path = at;
  if (!path) return refuse(m, 400, "malformed request target");
  for (const char *c = at; c < end; c++)
    if (*c <= 0x20 || *c >= 0x7f || *c == '#') return refuse(m, 400, "malformed request target");

  const char *query = memchr(path, '?', (size_t)(end - path));
  const char *path_end = query ? query : end;
  for (const char *c = path; c < path_end; c++) {
    if (*c != '%') continue;
    char byte[2];
    size_t left = (size_t)(path_end - c);
    if (http_query_decode(c, left < 3 ? left : 3, false, byte, sizeof byte) < 0)
      return refuse(m, 400, "invalid escape in the path");
  }
  m->target = (uint16_t)(at - m->base);
  m->target_len = (uint16_t)(end - at);
  m->path = (uint16_t)(path - m->base);
  m->path_len = (uint16_t)(path_end - path);
  m->query = query ? (uint16_t)(query + 1 - m->base) : 0;
  return PARSED_MORE;
}

static enum http_parsed take_version(struct http_message *m, const char *at, const char *end)
{
  if (end - at != 8 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.')
    return refuse(m, 400, "malformed request line");
  if (at[5] < '0' || at[5] > '9' || at[7] < '0' || at[7] > '9')
    return refuse(m, 400, "malformed request line");
  if (at[5] != '1') return refuse(m, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  m->http_1_0 = at[7] == '0';
  return PARSED_MORE;
}

/* METHOD SP target SP version; end is where the CR is. */
static enum http_parsed take_request_line(struct http_message *m, const char *line, const char *end)
{
  const char *target = memchr(line, ' ', (size_t)(end - line));
  const char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
  if (!version || !is_token(line, (size_t)(target - line)) || version == target + 1)
    return refuse(m, 400, "malformed request line");
  m->method = (uint16_t)(line - m->base);
  enum http_parsed parsed = take_version(m, version + 1, end);
  if (parsed != PARSED_MORE) return parsed;
  /* A tunnel would make what follows another protocol. */
  if (strncmp(line, "CONNECT ", 8) == 0) return refuse(m, 501, "this method is not supported");
  parsed = feed(m, line, (size_t)(end + 2 - line));
  if (parsed != PARSED_MORE) return parsed;
  m->phase = HEADERS;
  return take_target(m, target + 1, version);
}

/* ── what the headers say ── */

enum field { HOST, LENGTH, CODING, EXPECT, CONNECTION, UPGRADE, WS_VERSION, WS_KEY, N_FIELDS };

static const char *const field_names[N_FIELDS] = {
    [HOST] = "host",
    [LENGTH] = "content-length",
    [CODING] = "transfer-encoding",
    [EXPECT] = "expect",
    [CONNECTION] = "connection",
    [UPGRADE] = "upgrade",
    [WS_VERSION] = "sec-websocket-version",
    [WS_KEY] = "sec-websocket-key",
};

struct fields {
  unsigned count[N_FIELDS];
  const char *value[N_FIELDS]; /* the last one's */
  bool close, connection_upgrade;
};

/* Whether a comma-separated list has token, in any case. */
static bool list_has(const char *list, const char *token)
{
  size_t token_len = strlen(token);
  while (*list) {
    list += strspn(list, " \t,");
    size_t len = strcspn(list, " \t,");
    if (len == token_len && strncasecmp(list, token, len) == 0) return true;
    list += strcspn(list, ",");
  }
  return false;
}

static enum field field_of(const char *name)
{
  enum field f = 0;
  char first = (char)(*name | 0x20); /* most names are none of these: be done with them soon */
  while (f < N_FIELDS && (first != *field_names[f] || strcasecmp(name, field_names[f]) != 0)) f++;
  return f;
}

static void collect(const struct http_message *m, struct fields *fields)
{
  for (size_t i = 0; i < m->n_headers; i++) {
    enum field f = field_of(m->base + m->headers[i].name);
    if (f == N_FIELDS) continue;
    const char *value = m->base + m->headers[i].value;
    fields->count[f]++;
    fields->value[f] = value;
    if (f != CONNECTION) continue;
    fields->close |= list_has(value, "close");
    fields->connection_upgrade |= list_has(value, "upgrade");
  }
}

/* The 24 characters that stand for 16 bytes. */
static bool is_ws_key(const char *key)
{
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return strlen(key) == 24 && strspn(key, base64) == 22 && strcmp(key + 22, "==") == 0;
}

static bool is_ws_upgrade(const struct http_message *m, const struct fields *f)
{
  return strcmp(m->base + m->method, "GET") == 0 && !m->http_1_0 && !http_message_has_body(m) &&
         f->count[UPGRADE] == 1 && list_has(f->value[UPGRADE], "websocket") &&
         f->connection_upgrade && f->count[WS_VERSION] == 1 &&
         strcmp(f->value[WS_VERSION], "13") == 0 && f->count[WS_KEY] == 1 &&
         is_ws_key(f->value[WS_KEY]);
}

static enum http_parsed check_framing(struct http_message *m, const struct fields *f)
{
  if (f->count[LENGTH] > 1) return refuse(m, 400, "Content-Length twice");
  if (f->count[CODING] == 0) return PARSED_MORE;
  if (f->count[LENGTH] > 0) return refuse(m, 400, "Content-Length together with Transfer-Encoding");
  if (m->http_1_0) return refuse(m, 400, "Transfer-Encoding in HTTP/1.0");
  if (f->count[CODING] > 1 || strcasecmp(f->value[CODING], "chunked") != 0)
    return refuse(m, 400, "unsupported Transfer-Encoding");
  m->chunked = true;
  http_chunks_init(&m->chunks);
  return PARSED_MORE;
}

static enum http_parsed check_fields(struct http_message *m)
{
  struct fields f = {0};
  collect(m, &f);
  if (f.count[HOST] > 1) return refuse(m, 400, "Host twice");
  if (f.count[HOST] == 0 && !m->http_1_0) return refuse(m, 400, "no Host");
  if (f.count[HOST] == 1 && strpbrk(f.value[HOST], " \t,/?#@\\"))
    return refuse(m, 400, "malformed Host");
  enum http_parsed parsed = check_framing(m, &f);
  if (parsed != PARSED_MORE) return parsed;
  if (f.count[EXPECT] > 0 && !m->http_1_0) {
    if (f.count[EXPECT] > 1 || strcasecmp(f.value[EXPECT], "100-continue") != 0)
      return refuse(m, 417, "only 100-continue can be expected");
    m->expects_continue = true;
  }
  m->keep_alive = !m->http_1_0 && !f.close;
  m->upgrade = is_ws_upgrade(m, &f);
  return PARSED_HEAD;
}

static enum http_parsed finish_head(struct http_message *m)
{
  m->head_len = (uint16_t)m->taken;
  *strchr(m->base + m->method, ' ') = '\0';
  m->base[m->target + m->target_len] = '\0';
  return check_fields(m);
}

/* ── the whole ── */

/* One line with its CRLF. An empty one ends the head, or is skipped in front of it. */
static enum http_parsed take_line(struct http_message *m, const char *line, size_t len)
{
  if (len < 2 || line[len - 2] != '\r') return refuse(m, 400, "a line ends with a bare LF");
  if (memchr(line, '\r', len - 2)) return refuse(m, 400, "a CR inside a line");
  if (m->phase == REQUEST_LINE)
    return len == 2 ? PARSED_MORE : take_request_line(m, line, line + len - 2);
  if (*line == ' ' || *line == '\t') return refuse(m, 400, "a folded header");
  return feed(m, line, len);
}

static enum http_parsed parse_head(struct http_message *m, size_t len)
{
  size_t end = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
  while (m->phase < BODY_START) {
    const char *line = m->base + m->taken;
    const char *lf = memchr(line, '\n', end - m->taken);
    if (!lf) {
      if (end == HTTP_HEAD_MAX) return refuse(m, 431, "the head is too long");
      return PARSED_MORE;
    }
    size_t line_len = (size_t)(lf + 1 - line);
    enum http_parsed parsed = take_line(m, line, line_len);
    if (parsed != PARSED_MORE) return parsed;
    m->taken += line_len;
  }
  return finish_head(m);
}

static enum http_parsed too_large(struct http_message *m)
{
  return refuse(m, 413, "the body is too large");
}

static enum http_parsed parse_sized(struct http_message *m, size_t len)
{
  if (m->content_length > m->body_max) return too_large(m);
  size_t wanted = (size_t)m->content_length - m->body_len;
  size_t there = len - m->taken;
  size_t n = there < wanted ? there : wanted;
  m->body_len += n;
  m->taken += n;
  if (n < wanted) return PARSED_MORE;
  m->phase = DONE;
  return PARSED_DONE;
}

static enum http_parsed parse_chunked(struct http_message *m, size_t *len)
{
  char *in = m->base + m->taken;
  size_t there = *len - m->taken, taken, made;
  enum http_chunks_result result = http_chunks_decode(&m->chunks, in, there, in, &taken, &made);
  /* A chunk's size tells before its data is there. */
  size_t room = m->body_max - m->body_len;
  if (made > room || m->chunks.left > room - made) return too_large(m);
  if (result == CHUNKS_BAD) return refuse(m, 400, "malformed chunk");
  memmove(in + made, in + taken, there - taken);
  *len -= taken - made;
  m->body_len += made;
  m->taken += made;
  if (result == CHUNKS_MORE) return PARSED_MORE;
  m->phase = DONE;
  return PARSED_DONE;
}

enum http_parsed http_message_parse(struct http_message *m, char *base, size_t *len)
{
  m->base = base;
  switch ((enum phase)m->phase) {
  case REQUEST_LINE:
  case HEADERS:
    return parse_head(m, *len);
  case BODY_START:
    m->phase = BODY;
    /* fall through */
  case BODY:
    return m->chunked ? parse_chunked(m, len) : parse_sized(m, *len);
  case DONE:
    return PARSED_DONE;
  default:
    return PARSED_REFUSED;
  }
}

bool http_message_has_body(const struct http_message *m)
{
  return m->chunked || m->content_length > 0;
}

static const char *view_path(const struct http_message *m, const char *base, char *out,
                             size_t out_len)
{
  if (m->path_len == 0) return "/";
  long len = http_query_decode(base + m->path, m->path_len, false, out, out_len);
  assert(len >= 0); /* checked in take_target() */
  return out;
}

void http_message_view(const struct http_message *m, const char *base, const char *peer,
                       struct http_view *view)
{
  for (size_t i = 0; i < m->n_headers; i++)
    view->headers[i] = (struct http_header){base + m->headers[i].name, base + m->headers[i].value};
  bool whole = m->phase == DONE && m->body_len > 0;
  view->request = (struct http_request){
      .method = base + m->method,
      .target = base + m->target,
      .path = view_path(m, base, view->path, sizeof view->path),
      .query = m->query ? base + m->query : NULL,
      .headers = view->headers,
      .n_headers = m->n_headers,
      .body = whole ? base + m->head_len : "",
      .body_len = whole ? m->body_len : 0,
      .peer = peer,
      .upgrade = m->upgrade,
  };
}

const char *http_request_header(const struct http_request *request, const char *name)
{
  for (size_t i = 0; i < request->n_headers; i++)
    if (strcasecmp(request->headers[i].name, name) == 0) return request->headers[i].value;
  return NULL;
}
