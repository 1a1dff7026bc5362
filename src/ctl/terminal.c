/* terminal.c - see terminal.h. */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_OTHERWISE = 80, HEIGHT_OTHERWISE = 24, WIDTH_MAX = 1000 };

bool terminal_colours(FILE *out)
{
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  if (no && *no) return false;
  return isatty(fileno(out)) && !(term && strcmp(term, "dumb") == 0);
}

static struct winsize size_of(FILE *out)
{
  struct winsize size = {0};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0) size = (struct winsize){0};
  return size;
}

int terminal_width(FILE *out)
{
  int width = size_of(out).ws_col;
  return width > 0 && width <= WIDTH_MAX ? width : WIDTH_OTHERWISE;
}

int terminal_height(FILE *out)
{
  int height = size_of(out).ws_row;
  return height > 0 ? height : HEIGHT_OTHERWISE;
}

void terminal_style(enum style style, FILE *out)
{
  static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                          "\033[32m", "\033[33m", "\033[36m"};
  if (terminal_colours(out)) fputs(sequences[style], out);
}

enum style style_of_phase(const char *phase)
{
  if (strcmp(phase, "succeeded") == 0) return STYLE_GREEN;
  if (strcmp(phase, "failed") == 0) return STYLE_RED;
  if (strcmp(phase, "cancelled") == 0) return STYLE_YELLOW;
  return strcmp(phase, "active") == 0 ? STYLE_CYAN : STYLE_DIM;
}
