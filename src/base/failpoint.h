/*
 * failpoint.h - named places where the chaos tests kill or stop the process. In every other build
 * they are nothing: no code, no branch. Any thread.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef OX_CHAOS
/* failpoint_reached() does what OX_FAILPOINTS says of name; mostly nothing. */
void failpoint_reached(const char *name);
#define FAILPOINT(name) failpoint_reached(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
