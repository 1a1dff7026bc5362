/* queue.c - oxctl stats and oxctl queue: the queue as a whole. */
#include <string.h>

#include "ctl/prompt.h"
#include "ctl/session.h"
#include "ctl/show.h"

static enum exit_code run_stats(struct session *s, const struct arguments *a)
{
  (void)a;
  return session_show(s, "GET", "/api/orders/stats", show_members);
}

static enum exit_code run_queue_stats(struct session *s, const struct arguments *a)
{
  (void)a;
  return session_show(s, "GET", "/queue/stats", show_members);
}

static enum exit_code run_pause(struct session *s, const struct arguments *a)
{
  (void)a;
  return session_show(s, "POST", "/queue/pause", show_members);
}

static enum exit_code run_resume(struct session *s, const struct arguments *a)
{
  (void)a;
  return session_show(s, "POST", "/queue/resume", show_members);
}

static const struct option purge_options[] = {
    {"yes", OPTION_SWITCH, NULL, "do not ask"},
    {0},
};

static enum exit_code run_purge(struct session *s, const struct arguments *a)
{
  char answer[8];
  if (arguments_on(a, "yes")) return session_show(s, "DELETE", "/queue/purge", show_members);
  enum exit_code code =
      prompt_ask("cancel every order that waits? type yes: ", false, answer, sizeof answer);
  if (code == EXIT_USAGE)
    fputs("oxctl queue purge: there is no terminal to ask at; --yes if you mean it\n", stderr);
  if (code != EXIT_DONE) return code;
  if (strcmp(answer, "yes") == 0) return session_show(s, "DELETE", "/queue/purge", show_members);
  fputs("nothing was done\n", stderr);
  return EXIT_USAGE;
}

const struct command command_stats = {
    .name = "stats",
    .operands = "",
    .summary = "Show how many orders wait, run and have ended, sockets, the rate limit",
    .run = run_stats,
};

const struct command command_queue_stats = {
    .name = "queue stats",
    .operands = "",
    .summary = "The same for operators: dead letters, the oldest that waits (admin)",
    .run = run_queue_stats,
};

const struct command command_queue_pause = {
    .name = "queue pause",
    .operands = "",
    .summary = "Start no more orders; what runs goes on (admin)",
    .run = run_pause,
};

const struct command command_queue_resume = {
    .name = "queue resume",
    .operands = "",
    .summary = "Start orders again (admin)",
    .run = run_resume,
};

const struct command command_queue_purge = {
    .name = "queue purge",
    .operands = "",
    .summary = "Cancel every order that waits (admin)",
    .about = "It asks before it does; what runs is not touched.",
    .options = purge_options,
    .run = run_purge,
};
