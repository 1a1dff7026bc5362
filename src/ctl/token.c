/* token.c - see token.h. */
#include "ctl/token.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/query.h"

enum { EARLY_MS = 30 * 1000, FILE_MAX = 1 << 20, SECRET_MAX = 4096, PATH_LEN_MAX = 4096 };

struct tokens {
  char *url;
  char *client_id, *secret, *bearer;
  int64_t expires_at_ms; /* 0: not known */
  bool stored;           /* it is of the file, and goes back there */
};

static void set(char **to, const char *text)
{
  char *copy = text ? mem_strdup(text) : NULL;
  if (*to) explicit_bzero(*to, strlen(*to));
  free(*to);
  *to = copy;
}

void tokens_destroy(struct tokens *t)
{
  if (!t) return;
  set(&t->client_id, NULL);
  set(&t->secret, NULL);
  set(&t->bearer, NULL);
  free(t->url);
  free(t);
}

const char *tokens_bearer(const struct tokens *t)
{
  return t->bearer;
}

bool tokens_renewable(const struct tokens *t)
{
  return t->client_id && t->secret;
}

bool tokens_due(const struct tokens *t)
{
  if (!tokens_renewable(t)) return false;
  return !t->bearer || (t->expires_at_ms && clock_unix_ms() + EARLY_MS > t->expires_at_ms);
}

void tokens_expire(struct tokens *t)
{
  set(&t->bearer, NULL);
}

void tokens_set_client(struct tokens *t, const char *client_id, const char *secret)
{
  set(&t->client_id, client_id);
  set(&t->secret, secret);
  set(&t->bearer, NULL);
}

/* ── the exchange ───────────────────────────────────────────────────────────────────────────── */

void tokens_form(const struct tokens *t, struct buf *out)
{
  buf_append_str(out, "grant_type=client_credentials&client_id=");
  query_encode(out, t->client_id);
  buf_append_str(out, "&client_secret=");
  query_encode(out, t->secret);
}

enum status tokens_take(struct tokens *t, const char *text, size_t len)
{
  char error[256];
  json_t *answer = text ? json_loadb(text, len, 0, NULL) : NULL;
  const char *bearer = json_string_value(json_object_get(answer, "access_token"));
  int64_t ttl_s = json_integer_value(json_object_get(answer, "expires_in"));
  enum status status = ST_INVALID;
  if (bearer && ttl_s >= 0) {
    set(&t->bearer, bearer);
    t->expires_at_ms = clock_unix_ms() + ttl_s * 1000;
    status = ST_OK;
  }
  json_decref(answer);
  /* A file that cannot be written costs another exchange next time, no more. */
  if (status == ST_OK && t->stored && tokens_save(t, true, error, sizeof error) != ST_OK)
    fprintf(stderr, "oxctl: the new token is not kept: %s\n", error);
  return status;
}

/* ── the file ───────────────────────────────────────────────────────────────────────────────── */

/* The folder, with what is to be made of it made; "" when there is no home. */
static void folder(char out[PATH_LEN_MAX], bool make)
{
  const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
  out[0] = '\0';
  if (config && config[0] == '/')
    snprintf(out, PATH_LEN_MAX, "%s/ox", config);
  else if (home && home[0] == '/')
    snprintf(out, PATH_LEN_MAX, "%s/.config/ox", home);
  for (char *slash = out; make && *out && (slash = strchr(slash + 1, '/')) != NULL;) {
    *slash = '\0';
    mkdir(out, 0700);
    *slash = '/';
  }
  if (make && *out) mkdir(out, 0700);
}

static bool file_path(char out[PATH_LEN_MAX], bool make)
{
  char dir[PATH_LEN_MAX];
  folder(dir, make);
  return *dir && snprintf(out, PATH_LEN_MAX, "%s/credentials.json", dir) < PATH_LEN_MAX;
}

/* An empty object when there is no file; NULL: error says what is wrong with it. */
static json_t *file_read(char *error, size_t error_len)
{
  char path[PATH_LEN_MAX];
  struct stat st;
  json_error_t wrong;
  if (!file_path(path, false)) return json_object();
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return json_object();
  json_t *all = NULL;
  if (fd < 0 || fstat(fd, &st) != 0)
    snprintf(error, error_len, "%s: %s", path, strerror(errno));
  else if (st.st_mode & 077)
    snprintf(error, error_len, "%s: others can read it; chmod 600 it, and take a new secret", path);
  else if (st.st_size > FILE_MAX || !(all = json_loadfd(fd, JSON_REJECT_DUPLICATES, &wrong)) ||
           !json_is_object(all))
    snprintf(error, error_len, "%s: it is not as oxctl writes it", path);
  if (all && !json_is_object(all)) {
    json_decref(all);
    all = NULL;
  }
  if (fd >= 0) close(fd);
  return all;
}

/* Beside its place and moved there when it is whole. */
static enum status file_write(const json_t *all, char *error, size_t error_len)
{
  char path[PATH_LEN_MAX], new[PATH_LEN_MAX + 8];
  if (!file_path(path, true)) {
    snprintf(error, error_len, "there is no HOME, and no XDG_CONFIG_HOME");
    return ST_INVALID;
  }
  snprintf(new, sizeof new, "%s.XXXXXX", path);
  int fd = mkostemp(new, O_CLOEXEC); /* 0600 */
  bool good = fd >= 0 && json_dumpfd(all, fd, JSON_INDENT(2)) == 0 && fsync(fd) == 0;
  good = good && rename(new, path) == 0;
  if (!good) snprintf(error, error_len, "%s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  if (fd >= 0 && !good) unlink(new);
  return good ? ST_OK : ST_INVALID;
}

static void put(json_t *entry, const char *name, const char *text)
{
  if (text) json_object_set_new(entry, name, json_string(text));
}

enum status tokens_save(struct tokens *t, bool keep_secret, char *error, size_t error_len)
{
  json_t *all = file_read(error, error_len);
  if (!all) return ST_INVALID;
  json_t *entry = json_object();
  put(entry, "clientId", t->client_id);
  put(entry, "clientSecret", keep_secret ? t->secret : NULL);
  put(entry, "token", t->bearer);
  json_object_set_new(entry, "expiresAtMs", json_integer(t->expires_at_ms));
  json_object_set_new(all, t->url, entry);
  enum status status = file_write(all, error, error_len);
  json_decref(all);
  return status;
}

enum status tokens_forget(struct tokens *t, char *error, size_t error_len)
{
  json_t *all = file_read(error, error_len);
  if (!all) return ST_INVALID;
  enum status status = ST_NOT_FOUND;
  if (json_object_del(all, t->url) == 0) status = file_write(all, error, error_len);
  json_decref(all);
  return status;
}

static enum status from_file(struct tokens *t, char *error, size_t error_len)
{
  json_t *all = file_read(error, error_len);
  if (!all) return ST_INVALID;
  const json_t *entry = json_object_get(all, t->url);
  if (entry) {
    t->stored = true;
    set(&t->client_id, json_string_value(json_object_get(entry, "clientId")));
    set(&t->secret, json_string_value(json_object_get(entry, "clientSecret")));
    set(&t->bearer, json_string_value(json_object_get(entry, "token")));
    t->expires_at_ms = json_integer_value(json_object_get(entry, "expiresAtMs"));
  }
  json_decref(all);
  return ST_OK;
}

/* ── the environment ────────────────────────────────────────────────────────────────────────── */

enum status token_secret_file(const char *path, char **out, char *error, size_t error_len)
{
  char line[SECRET_MAX];
  bool from_stdin = strcmp(path, "-") == 0;
  FILE *file = from_stdin ? stdin : fopen(path, "re");
  if (!file) {
    snprintf(error, error_len, "%s: %s", path, strerror(errno));
    return ST_INVALID;
  }
  bool read = fgets(line, sizeof line, file) != NULL;
  if (!from_stdin) fclose(file);
  if (read) line[strcspn(line, "\r\n")] = '\0';
  read = read && *line;
  if (read) *out = mem_strdup(line);
  explicit_bzero(line, sizeof line);
  if (read) return ST_OK;
  snprintf(error, error_len, "%s: there is no secret in it", from_stdin ? "stdin" : path);
  return ST_INVALID;
}

static enum status from_environment(struct tokens *t, const char *id, char *error, size_t error_len)
{
  const char *secret = getenv("OX_CLIENT_SECRET"), *path = getenv("OX_CLIENT_SECRET_FILE");
  if (secret && *secret) {
    tokens_set_client(t, id, secret);
    return ST_OK;
  }
  if (!path || !*path) {
    snprintf(error, error_len, "OX_CLIENT_ID needs OX_CLIENT_SECRET or OX_CLIENT_SECRET_FILE");
    return ST_INVALID;
  }
  char *text;
  enum status status = token_secret_file(path, &text, error, error_len);
  if (status != ST_OK) return status;
  tokens_set_client(t, id, text);
  set(&text, NULL);
  return ST_OK;
}

enum status tokens_load(const char *url, struct tokens **out, char *error, size_t error_len)
{
  struct tokens *t = mem_alloc(sizeof *t);
  const char *bearer = getenv("OX_TOKEN"), *id = getenv("OX_CLIENT_ID");
  enum status status = ST_OK;
  t->url = mem_strdup(url);
  if (bearer && *bearer)
    set(&t->bearer, bearer);
  else if (id && *id)
    status = from_environment(t, id, error, error_len);
  else
    status = from_file(t, error, error_len);
  if (status == ST_OK)
    *out = t;
  else
    tokens_destroy(t);
  return status;
}
