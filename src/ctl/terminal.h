/* terminal.h - what the terminal can do. Any thread. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

bool terminal_colours(FILE *out); /* it is a terminal, and NO_COLOR is not set */
int terminal_width(FILE *out);    /* columns; 80 if they are not known */
int terminal_height(FILE *out);

/* terminal_style() writes the escape sequence of style; nothing where there are no colours. */
void terminal_style(enum style style, FILE *out);

enum style style_of_phase(const char *phase);

#endif
