/* prompt.c - see prompt.h. The terminal's own editing would hide a Ctrl-C from us: keys are read
 * one by one. */
#include "ctl/prompt.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

static void say(int tty, const char *text, size_t len)
{
  while (len > 0) {
    ssize_t n = write(tty, text, len);
    if (n <= 0) return;
    text += n;
    len -= (size_t)n;
  }
}

static enum exit_code read_keys(int tty, bool hidden, char *out, size_t len)
{
  size_t n = 0;
  for (;;) {
    char key;
    if (read(tty, &key, 1) != 1 || key == CTRL_C || key == CTRL_D) return EXIT_SIGINT;
    if (key == '\n' || key == '\r') break;
    if (key == CTRL_U) {
      n = 0;
    } else if (key == BACKSPACE || key == DELETE) {
      if (n > 0) n--;
      if (!hidden) say(tty, "\b \b", 3);
    } else if (n + 1 < len && (unsigned char)key >= ' ') {
      out[n++] = key;
      if (!hidden) say(tty, &key, 1);
    }
  }
  out[n] = '\0';
  return EXIT_DONE;
}

enum exit_code prompt_ask(const char *question, bool hidden, char *out, size_t len)
{
  struct termios before, keys;
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (tty < 0 || tcgetattr(tty, &before) != 0) {
    if (tty >= 0) close(tty);
    return EXIT_USAGE;
  }
  keys = before;
  keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  tcsetattr(tty, TCSAFLUSH, &keys);
  say(tty, question, strlen(question));
  enum exit_code code = read_keys(tty, hidden, out, len);
  say(tty, "\n", 1);
  tcsetattr(tty, TCSAFLUSH, &before);
  close(tty);
  return code;
}
