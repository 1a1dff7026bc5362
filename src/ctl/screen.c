/* screen.c - see screen.h. */
#include "ctl/screen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ctl/terminal.h"

struct screen {
  uv_poll_t keys;
  uv_signal_t resized;
  struct termios before;
  int tty;
  bool raw;
  int handles; /* that are still to be closed */
  void (*on_key)(void *arg, char key);
  void (*on_resize)(void *arg);
  void *arg;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
  struct screen *s = poll->data;
  char keys[64];
  (void)events;
  ssize_t n = status < 0 ? 0 : read(s->tty, keys, sizeof keys);
  if (n <= 0) { /* the terminal is gone */
    uv_poll_stop(poll);
    s->on_key(s->arg, 'q');
    return;
  }
  for (ssize_t i = 0; i < n; i++) s->on_key(s->arg, keys[i]);
}

static void on_winch(uv_signal_t *handle, int number)
{
  struct screen *s = handle->data;
  (void)number;
  s->on_resize(s->arg);
}

struct screen *screen_open(uv_loop_t *loop, void (*on_key)(void *arg, char key),
                           void (*on_resize)(void *arg), void *arg)
{
  struct screen *s = mem_alloc(sizeof *s);
  *s = (struct screen){.on_key = on_key, .on_resize = on_resize, .arg = arg};
  if (tcgetattr(STDIN_FILENO, &s->before) == 0 && uv_poll_init(loop, &s->keys, STDIN_FILENO) == 0) {
    struct termios raw = s->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    s->raw = tcsetattr(s->tty, TCSANOW, &raw) == 0;
    s->keys.data = s;
    uv_poll_start(&s->keys, UV_READABLE, on_readable);
    s->handles++;
  }
  uv_signal_init(loop, &s->resized);
  s->resized.data = s;
  uv_signal_start(&s->resized, on_winch, SIGWINCH);
  s->handles++;
  fputs("\033[?1049h\033[?25l\033[?7l", stdout);
  fflush(stdout);
  return s;
}

static void on_closed(uv_handle_t *handle)
{
  struct screen *s = handle->data;
  if (--s->handles > 0) return;
  if (s->tty >= 0) close(s->tty);
  free(s);
}

void screen_close(struct screen *s)
{
  if (!s) return;
  fputs("\033[?7h\033[?25h\033[?1049l", stdout);
  fflush(stdout);
  if (s->raw) tcsetattr(s->tty, TCSANOW, &s->before);
  if (s->handles == 2) uv_close((uv_handle_t *)&s->keys, on_closed);
  uv_close((uv_handle_t *)&s->resized, on_closed);
}

void screen_draw(struct screen *s, const char *text)
{
  int rows = terminal_height(stdout);
  (void)s;
  fputs("\033[H", stdout);
  for (int row = 1; row <= rows && *text; row++) {
    int len = (int)strcspn(text, "\n");
    printf("%.*s\033[K%s", len, text, row < rows ? "\r\n" : "");
    text += len + (text[len] == '\n');
  }
  fputs("\033[J", stdout);
  fflush(stdout);
}
