/*
 * ticket.c - POST /api/tickets: a client whose browser is to open a WebSocket or an EventSource
 * gets a ticket for it, which it may show in the URL (?ticket=): it is good once, and for 30 s.
 * What the ticket is good for is what the token is, and no longer.
 */
#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"

struct waiting {
  struct call call;
};

static void refuse(struct waiting *w, enum status status)
{
  answer_problem(&w->call, problem_of(status), NULL);
  free(w);
}

static void on_made(void *arg, enum status status, const char *ticket)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  json_str(&json, "ticket", ticket);
  json_int(&json, "expires_in", TICKET_TTL_S);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

void ticket_post(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  struct grant grant = call->grant;
  if (!*grant.client) grant.expires_at_ms = GRANT_FOR_EVER; /* auth is off: it opens nothing */
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  enum status status = auth_ticket_make(call->api->auth, &grant, on_made, w);
  if (status != ST_OK) refuse(w, status);
}
