/*
 * endpoint.c - see endpoint.h. A visit has a copy of all that the endpoint sees, because the client
 * may leave, and a late endpoint outlive its answer. Until the end of its task the visit is the
 * endpoint's, then it is answered, and freed when the task is.
 */
#include "http/endpoint.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http/answer.h"
#include "http/input.h"
#include "http/routes.h"
#include "net/http_query.h"

struct visit {
  struct desk_task task;
  struct call call;
  struct problem_errors errors;
  struct json_object body;
  char *path, *text; /* text: the body as it came */
  char *names;       /* what query points into */
  struct ox_field query[ENDPOINT_QUERY_MAX];
  size_t n_query;
};

static void destroy(struct visit *v)
{
  problem_errors_deinit(&v->errors);
  json_object_deinit(&v->body);
  free(v->path);
  free(v->text);
  free(v->names);
  free(v);
}

/* ── the query ──────────────────────────────────────────────────────────────────────────────── */

static bool has_parameter(const struct visit *v, const char *name)
{
  for (size_t i = 0; i < v->n_query; i++)
    if (strcmp(v->query[i].name, name) == 0) return true;
  return false;
}

/* decode() writes one part of a parameter at *at, moves *at behind its NUL, and returns it. */
static const char *decode(const char *raw, size_t len, char **at, size_t *out_len)
{
  char *out = *at;
  long n = http_query_decode(raw, len, true, out, len + 1);
  if (n < 0) return NULL;
  *out_len = (size_t)n;
  *at += n + 1;
  return out;
}

/* add_parameter() takes "name=value", or a name alone; NULL, or what is wrong with it. */
static const char *add_parameter(struct visit *v, const char *raw, size_t len, char **at)
{
  size_t name_len = strcspn(raw, "=&"), unused;
  const char *value = name_len < len ? raw + name_len + 1 : raw + len;
  struct ox_field f = {.kind = OX_FIELD_STRING};
  f.name = decode(raw, name_len, at, &unused);
  f.text = decode(value, (size_t)(raw + len - value), at, &f.len);
  if (!f.name || !f.text) return "a query parameter has a bad escape";
  if (has_parameter(v, f.name)) return "a query parameter is there twice";
  if (v->n_query == ENDPOINT_QUERY_MAX) return "there are too many query parameters";
  v->query[v->n_query++] = f;
  return NULL;
}

static const char *read_query(struct visit *v, const char *query)
{
  if (!query) return NULL;
  char *at = v->names = mem_alloc(2 * strlen(query) + 2);
  const char *wrong = NULL;
  while (*query && !wrong) {
    size_t len = strcspn(query, "&");
    if (len > 0) wrong = add_parameter(v, query, len, &at);
    query += len;
    if (*query == '&') query++;
  }
  return wrong;
}

/* ── there and back ─────────────────────────────────────────────────────────────────────────── */

static void log_broken(const struct visit *v, const char *why)
{
  const struct ox_endpoint *e = v->task.endpoint;
  LOG_ERROR("an endpoint is broken", LOG_STR("method", e->method), LOG_STR("path", e->path),
            LOG_STR("reason", why));
}

static void answer(const struct visit *v)
{
  const struct desk_answer *a = &v->task.answer;
  if (v->errors.n > 0) {
    answer_errors(&v->call, &v->errors);
  } else if (a->status == 0) {
    log_broken(v, a->detail);
    answer_problem(&v->call, PROBLEM_INTERNAL, NULL);
  } else if (a->code[0] && !problem_title(a->status)) {
    log_broken(v, "its problem has a status that is not in use");
    answer_problem(&v->call, PROBLEM_INTERNAL, NULL);
  } else if (a->code[0]) {
    answer_problem_own(&v->call, &(struct problem_own){a->status, a->code, a->detail});
  } else {
    buf_append(answer_body(&v->call), a->body.data, a->body.len);
    answer_send(&v->call, a->status, NULL, 0);
  }
}

static void on_end(struct desk_task *task, enum desk_end end)
{
  struct visit *v = container_of(task, struct visit, task);
  if (end == DESK_ANSWERED) {
    answer(v);
  } else if (end == DESK_UNHEARD) {
    answer_problem(&v->call, PROBLEM_OVERLOADED, NULL);
  } else {
    log_broken(v, "it did not answer in time");
    answer_problem(&v->call, PROBLEM_ENDPOINT_TIMEOUT, NULL);
  }
}

static void on_free(struct desk_task *task)
{
  destroy(container_of(task, struct visit, task));
}

static void post(struct visit *v)
{
  v->task.on_end = on_end;
  v->task.on_free = on_free;
  v->task.errors = &v->errors.base;
  v->task.endpoint = routes_endpoint(&v->call);
  enum status status = desk_post(v->call.api->desk, &v->task);
  if (status == ST_OK) return;
  answer_problem(&v->call, problem_of(status), NULL);
  destroy(v);
}

void endpoint_run(const struct call *call, const struct http_request *request, const char *param)
{
  (void)param;
  struct visit *v = mem_alloc(sizeof *v);
  v->call = *call;
  v->path = mem_strdup(request->path);
  v->text = mem_strndup(request->body, request->body_len);
  problem_errors_init(&v->errors);
  const char *wrong = read_query(v, request->query);
  if (!wrong && (call->route->max_body == 0 ||
                 input_parse(v->text, request->body_len, &v->body, &v->errors) == ST_OK)) {
    v->task.request = (struct ox_request){.size = sizeof v->task.request,
                                          .method = call->route->method,
                                          .path = v->path,
                                          .query = v->query,
                                          .n_query = v->n_query,
                                          .fields = v->body.fields,
                                          .n_fields = v->body.n_fields,
                                          .body = v->text,
                                          .body_len = request->body_len};
    post(v);
    return;
  }
  if (wrong)
    answer_problem(call, PROBLEM_INVALID_QUERY, wrong);
  else
    answer_errors(call, &v->errors);
  destroy(v);
}
