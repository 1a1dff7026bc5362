/*
 * screen.h - the terminal as a page that is drawn again and again: the other screen, no cursor,
 * keys at once. What it was before comes back with screen_close(). Loop thread only.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <uv.h>

struct screen;

/* on_key gets each key that is pressed; on_resize is called when the size has changed. */
struct screen *screen_open(uv_loop_t *loop, void (*on_key)(void *arg, char key),
                           void (*on_resize)(void *arg), void *arg);
void screen_close(struct screen *s);

/* screen_draw() shows text; what does not fit, beside or below, is left out. */
void screen_draw(struct screen *s, const char *text);

#endif
