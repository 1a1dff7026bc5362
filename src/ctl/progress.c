/* progress.c - see progress.h. */
#include "ctl/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/terminal.h"

static bool drawn;

enum { BAR = 24, TEXT_MAX = 256 };

void progress_show(int64_t done, int64_t all, const char *format, ...)
{
  static const char full[] = "########################", none[] = "........................";
  char text[TEXT_MAX], line[TEXT_MAX + 2 * BAR + 16];
  va_list args;
  if (!isatty(STDERR_FILENO)) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  int filled = all > 0 && done > 0 ? (int)(done < all ? done * BAR / all : BAR) : 0;
  snprintf(line, sizeof line, "[%.*s%.*s] %s", filled, full, BAR - filled, none, text);
  drawn = true;
  fprintf(stderr, "\r%.*s\033[K", terminal_width(stderr) - 1, line);
}

void progress_clear(void)
{
  if (drawn) fputs("\r\033[K", stderr);
  drawn = false;
}
