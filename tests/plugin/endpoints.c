/*
 * endpoints.c - endpoints that do what the query says, most of it wrong: what the daemon makes of
 * those that are slow, silent or lie. Built as any plugin, from include/ox/ alone.
 */
#include <ox/executor.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static void say_field(char *out, size_t len, const struct ox_field *f)
{
  size_t used = strlen(out);
  snprintf(out + used, len - used, "%s\"%s\":{\"text\":\"%s\",\"kind\":%d}", used > 1 ? "," : "",
           f->name, f->text, (int)f->kind);
}

/* What it was asked; the names and texts of the test need no escapes. */
static void echo(const struct ox_request *request, const struct ox_desk *desk,
                 struct ox_answer *answer)
{
  char fields[1024] = "{", json[2048];
  for (size_t i = 0; i < request->n_query; i++)
    say_field(fields, sizeof fields, &request->query[i]);
  for (size_t i = 0; i < request->n_fields; i++)
    say_field(fields, sizeof fields, &request->fields[i]);
  snprintf(json, sizeof json, "{\"method\":\"%s\",\"path\":\"%s\",\"now\":%lld,\"fields\":%s}}",
           request->method, request->path, (long long)desk->now_ms(desk), fields);
  desk->log(desk, "info", "an endpoint echoes");
  answer->send(answer, request->n_fields > 0 ? 201 : 200, json);
}

static void send_huge(struct ox_answer *answer, size_t len)
{
  char *json = malloc(len + 1);
  if (!json) return;
  memset(json, ' ', len);
  json[0] = '{';
  json[len - 1] = '}';
  json[len] = '\0';
  answer->send(answer, 200, json);
  free(json);
}

static void refuse_fields(struct ox_answer *answer, int n)
{
  for (int i = 0; i < n; i++) {
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/f%d", i);
    answer->errors->add(answer->errors, pointer, "WRONG", "is wrong, as all of them are");
  }
}

static void publish(const struct ox_request *request, const struct ox_desk *desk,
                    struct ox_answer *answer)
{
  const struct ox_field *topic = ox_request_query(request, "topic"),
                        *level = ox_request_query(request, "level");
  if (desk->publish(desk, topic->text, strtoll(level->text, NULL, 10)))
    answer->send(answer, 200, "{}");
  else
    answer->problem(answer, 503, "NOT_PUBLISHED", "it was not taken");
}

static void misbehave(const struct ox_request *request, const struct ox_desk *desk,
                      struct ox_answer *answer)
{
  (void)desk;
  const struct ox_field *what = ox_request_query(request, "do"),
                        *arg = ox_request_query(request, "n");
  int n = arg ? (int)strtol(arg->text, NULL, 10) : 0;
  if (!what) refuse_fields(answer, 1);
  if (!what || strcmp(what->text, "silent") == 0) return;
  if (strcmp(what->text, "slow") == 0) poll(NULL, 0, n);
  if (strcmp(what->text, "errors") == 0) refuse_fields(answer, n);
  answer->send(answer, 200, "{\"well\":true}");
  if (strcmp(what->text, "huge") == 0) send_huge(answer, (size_t)n);
  if (strcmp(what->text, "no json") == 0) answer->send(answer, 200, "{\"half\":");
  if (strcmp(what->text, "array") == 0) answer->send(answer, 200, "[]");
  if (strcmp(what->text, "null") == 0) answer->send(answer, 200, NULL);
  if (strcmp(what->text, "status") == 0) answer->send(answer, n, "{}");
  if (strcmp(what->text, "problem") == 0) answer->problem(answer, n, "NOT_TODAY", "come \"back\"");
  if (strcmp(what->text, "bad code") == 0) answer->problem(answer, 422, "not today", "no");
  if (strcmp(what->text, "no code") == 0) answer->problem(answer, 422, NULL, NULL);
  if (strcmp(what->text, "crash") == 0) abort();
}

static const struct ox_endpoint get_echo = {sizeof get_echo, "GET", "/test/echo",
                                            "orders:read",   0,     echo};
static const struct ox_endpoint put_echo = {sizeof put_echo, "PUT", "/test/echo",
                                            "admin",         256,   echo};
static const struct ox_endpoint odd = {sizeof odd, "GET", "/test/odd", "orders:read", 0, misbehave};
static const struct ox_endpoint post_level = {sizeof post_level, "POST", "/test/publish",
                                              "admin",           0,      publish};
static const struct ox_endpoint *const endpoints[] = {&get_echo, &put_echo, &odd, &post_level,
                                                      NULL};
static const struct ox_plugin plugin = {.size = sizeof plugin,
                                        .abi_major = OX_ABI_MAJOR,
                                        .abi_minor = OX_ABI_MINOR,
                                        .name = "endpoints",
                                        .endpoints = endpoints};

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  return &plugin;
}
