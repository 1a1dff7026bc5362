/*
 * blame.h - who is to blame for a crash: each call into a plugin says whose code it enters, and a
 * process that dies inside it leaves one line about that. Any thread.
 */
#ifndef PLUGIN_BLAME_H
#define PLUGIN_BLAME_H

/* What this thread is in: {"executor", "market"}; {NULL, NULL}: our own code. The texts live until
 * blame_leave(). */
struct blame {
  const char *kind, *name;
};

/* blame_install() has the signals of a crash name who is to blame, and then do what they did
 * before. Once, before other threads. */
void blame_install(void);

/* Every call into a plugin stands between these two; blame_leave() takes what blame_enter() gave.
 */
struct blame blame_enter(const char *kind, const char *name);
void blame_leave(struct blame before);

#endif
