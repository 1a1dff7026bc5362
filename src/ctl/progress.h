/* progress.h - a bar on stderr while something goes on; nothing where that is no terminal. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdint.h>

/* progress_show() draws share done of all, and the text behind it, over what it drew before. */
void progress_show(int64_t done, int64_t all, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void progress_clear(void); /* before anything else is written */

#endif
