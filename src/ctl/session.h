/*
 * session.h - one run of oxctl against one server: the loop, who we are, how to print. Loop thread
 * only.
 */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <uv.h>

#include "ctl/command.h"
#include "ctl/http.h"
#include "ctl/token.h"
#include "ctl/ws.h"

struct session {
  uv_loop_t loop;
  struct http_client *http;
  struct ws_client *ws; /* session_ws() */
  struct tokens *tokens;
  char *url;
  const char *ca;               /* NULL: the system's */
  bool json;                    /* not for people */
  int64_t timeout_ms, retry_ms; /* retry_ms -1: as the command thinks best */
  int signal;                   /* SIGINT, SIGTERM; 0: none came */
  uv_signal_t on_int, on_term;
  uv_timer_t pause;
};

/* session_open() reads the common options and the environment; what is wrong is said on stderr. */
enum exit_code session_open(struct session *s, const struct arguments *a);
void session_close(struct session *s);

struct ws_client *session_ws(struct session *s);

/* session_run() runs the loop until *done, or until a signal came: false. Before the first of them
 * a signal ends the process: what is read from stdin until then does not know the loop. */
bool session_run(struct session *s, const bool *done);
bool session_pause(struct session *s, int64_t ms);         /* false: a signal came */
enum exit_code session_signalled(const struct session *s); /* EXIT_SIGINT or EXIT_SIGTERM */

struct reply {
  long status; /* 0: there was no answer, and error says why */
  bool replayed;
  struct buf body;
  char error[256];
};

/* session_ask() asks and waits. What may be asked twice (GET, or with a key) is, while the server
 * is away, and anything is that was certainly not heard. EXIT_DONE: a 2xx. In any case buf_deinit()
 * its body. The request's token is the session's business. */
enum exit_code session_ask(struct session *s, const struct http_request *request,
                           struct reply *out) MUST_CHECK;

/* reply_print() says on stderr why a reply is no 2xx. */
void reply_print(const struct reply *reply);

/* session_call() is the two of them: what is no 2xx has been said, and its body is none. */
enum exit_code session_call(struct session *s, const struct http_request *request,
                            struct reply *out) MUST_CHECK;

/* session_show() asks, too, and puts on stdout what is answered: as it came, or by print for
 * people. */
enum exit_code session_show(struct session *s, const char *method, const char *path,
                            void (*print)(const char *text, size_t len, FILE *out)) MUST_CHECK;

/* session_renew() asks for a new token, by which it must be renewable; done comes later and calls
 * session_renewed(), which says how it went. */
struct http_exchange *session_renew(struct session *s, http_done done, void *arg);
enum exit_code session_renewed(struct session *s, const struct http_answer *answer);

#endif
