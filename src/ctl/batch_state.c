/* batch_state.c - see batch_state.h. */
#include "ctl/batch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ulid.h"
#include "ctl/member.h"

enum { LINE_MAX_BYTES = 4096, CHUNKS_MAX = 10 << 20, HASH_LEN = 16 };

struct batch_state {
  int fd; /* -1: nothing is kept */
  bool resumed;
  char key[ULID_LEN + 1];
  struct chunk {
    int64_t sent_at, placed, failed;
    bool done;
  } * chunks;
  size_t n; /* there is room for */
};

static struct chunk *chunk_at(struct batch_state *s, long i)
{
  size_t at = (size_t)i;
  if (at >= s->n) {
    size_t n = 2 * at + 16;
    s->chunks = mem_resize(s->chunks, n * sizeof *s->chunks);
    memset(s->chunks + s->n, 0, (n - s->n) * sizeof *s->chunks);
    s->n = n;
  }
  return &s->chunks[at];
}

/* ── writing ────────────────────────────────────────────────────────────────────────────────── */

static bool append(struct batch_state *s, const struct buf *line)
{
  if (s->fd < 0) return true;
  for (size_t at = 0; at < line->len;) {
    ssize_t n = write(s->fd, line->data + at, line->len - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    at += (size_t)n;
  }
  return fdatasync(s->fd) == 0;
}

static bool write_header(struct batch_state *s, const struct batch_identity *identity)
{
  struct buf line;
  struct json_writer w;
  char hash[HASH_LEN + 1];
  struct ulid id = ulid_make();
  ulid_format(&id, s->key);
  snprintf(hash, sizeof hash, "%016" PRIx64, identity->hash);
  buf_init(&line, LINE_MAX_BYTES);
  json_writer_init(&w, &line);
  json_begin(&w, NULL);
  json_int(&w, "v", 1);
  json_str(&w, "key", s->key);
  json_str(&w, "url", identity->url);
  json_str(&w, "hash", hash);
  json_int(&w, "size", (int64_t)identity->size);
  json_end(&w);
  buf_append_char(&line, '\n');
  bool good = !line.overflow && append(s, &line);
  buf_deinit(&line);
  return good;
}

bool batch_state_send(struct batch_state *s, long chunk)
{
  struct buf line;
  struct chunk *c = chunk_at(s, chunk);
  if (c->sent_at) return true;
  c->sent_at = clock_unix_ms();
  buf_init(&line, LINE_MAX_BYTES);
  buf_appendf(&line, "{\"sent\":%ld,\"at\":%lld}\n", chunk, (long long)c->sent_at);
  bool good = append(s, &line);
  buf_deinit(&line);
  return good;
}

bool batch_state_finish(struct batch_state *s, long chunk, int64_t placed, int64_t failed)
{
  struct buf line;
  struct chunk *c = chunk_at(s, chunk);
  c->done = true;
  c->placed = placed;
  c->failed = failed;
  buf_init(&line, LINE_MAX_BYTES);
  buf_appendf(&line, "{\"done\":%ld,\"placed\":%lld,\"failed\":%lld}\n", chunk, (long long)placed,
              (long long)failed);
  bool good = append(s, &line);
  buf_deinit(&line);
  return good;
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────── */

static const char *take_header(struct batch_state *s, const struct json_object *o,
                               struct batch_identity *identity)
{
  char hash[HASH_LEN + 1];
  const char *key = member_or(o, "key", "");
  int64_t size = member_int(o, "size", 0);
  snprintf(hash, sizeof hash, "%016" PRIx64, identity->hash);
  if (member_int(o, "v", 0) != 1 || strlen(key) != ULID_LEN || size < 1)
    return "it is not as oxctl writes it";
  if (strcmp(member_or(o, "hash", ""), hash) != 0)
    return "the orders are not those that were begun with; --anew places all of them";
  if (strcmp(member_or(o, "url", ""), identity->url) != 0)
    return "they were begun at another server; --anew places all of them here";
  memcpy(s->key, key, sizeof s->key);
  identity->size = (size_t)size;
  s->resumed = true;
  return NULL;
}

static const char *take_line(struct batch_state *s, const struct json_object *o)
{
  int64_t sent = member_int(o, "sent", -1), done = member_int(o, "done", -1);
  int64_t i = sent >= 0 ? sent : done;
  if (i < 0 || i > CHUNKS_MAX) return "it is not as oxctl writes it";
  struct chunk *c = chunk_at(s, (long)i);
  if (sent >= 0) c->sent_at = member_int(o, "at", 0);
  if (done >= 0) {
    c->done = true;
    c->placed = member_int(o, "placed", 0);
    c->failed = member_int(o, "failed", 0);
  }
  return NULL;
}

/* Reads what is there; *good is how much of it is whole lines. Returns what is wrong, or NULL. */
static const char *read_lines(struct batch_state *s, FILE *file, struct batch_identity *identity,
                              off_t *good)
{
  char line[LINE_MAX_BYTES];
  const char *wrong = NULL;
  *good = 0;
  while (!wrong && fgets(line, sizeof line, file)) {
    size_t len = strlen(line);
    struct json_object o;
    if (line[len - 1] != '\n') break;
    if (!member_parse(line, len, &o)) return "it is not as oxctl writes it";
    wrong = *good == 0 ? take_header(s, &o, identity) : take_line(s, &o);
    json_object_deinit(&o);
    *good += (off_t)len;
  }
  return wrong;
}

static const char *load(struct batch_state *s, struct batch_identity *identity)
{
  off_t good;
  int copy = dup(s->fd);
  FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
  if (!file) {
    if (copy >= 0) close(copy);
    return strerror(errno);
  }
  const char *wrong = read_lines(s, file, identity, &good);
  fclose(file);
  if (!wrong && ftruncate(s->fd, good) != 0) wrong = strerror(errno);
  return wrong;
}

/* The name of a new file is on the disk, too. */
static void sync_folder(const char *path)
{
  char folder[LINE_MAX_BYTES];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static const char *open_file(struct batch_state *s, const char *path, bool anew,
                             struct batch_identity *identity)
{
  s->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (s->fd < 0) return strerror(errno);
  if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) return "another oxctl is at it";
  if (anew && ftruncate(s->fd, 0) != 0) return strerror(errno);
  const char *wrong = load(s, identity);
  if (wrong || s->resumed) return wrong;
  if (!write_header(s, identity)) return strerror(errno);
  sync_folder(path);
  return NULL;
}

enum status batch_state_open(struct batch_state **out, const char *path, bool anew,
                             struct batch_identity *identity, char *error, size_t error_len)
{
  struct batch_state *s = mem_alloc(sizeof *s);
  s->fd = -1;
  const char *wrong = NULL;
  if (path)
    wrong = open_file(s, path, anew, identity);
  else
    write_header(s, identity); /* it makes the key */
  if (!wrong) {
    *out = s;
    return ST_OK;
  }
  snprintf(error, error_len, "%s: %s", path, wrong);
  batch_state_close(s);
  return ST_INVALID;
}

void batch_state_close(struct batch_state *s)
{
  if (!s) return;
  if (s->fd >= 0) close(s->fd);
  free(s->chunks);
  free(s);
}

bool batch_state_resumed(const struct batch_state *s)
{
  return s->resumed;
}

const char *batch_state_key(const struct batch_state *s)
{
  return s->key;
}

int64_t batch_state_sent_at(const struct batch_state *s, long chunk)
{
  return (size_t)chunk < s->n ? s->chunks[chunk].sent_at : 0;
}

bool batch_state_done(const struct batch_state *s, long chunk, int64_t *placed, int64_t *failed)
{
  if ((size_t)chunk >= s->n || !s->chunks[chunk].done) return false;
  *placed = s->chunks[chunk].placed;
  *failed = s->chunks[chunk].failed;
  return true;
}
