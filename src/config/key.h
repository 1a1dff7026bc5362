/*
 * key.h - the table of configuration keys, and how the text of each becomes its value. Private to
 * this room. Adding a key is adding a row here and a member to struct config.
 */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config.h"

enum key_kind {
  KEY_TEXT,   /* char * */
  KEY_WORD,   /* char *, one of words */
  KEY_CHOICE, /* an enum: the place of the text among words */
  KEY_BOOL,   /* the same, of two words */
  KEY_INT,    /* int64_t */
  KEY_DELAY,  /* struct config_range_ms */
  KEY_SEED,   /* uint64_t */
};

enum key_secrecy {
  KEY_OPEN,
  KEY_URL,    /* may hold a password, which is not shown; may come as NAME_FILE */
  KEY_SECRET, /* is not shown at all; may come as NAME_FILE */
};

struct key {
  const char *name;
  enum key_kind kind;
  enum key_secrecy secrecy;
  bool flag_only;           /* taken from the command line alone */
  size_t offset;            /* in struct config */
  const char *initial;      /* text of the default */
  int64_t min, max;         /* KEY_INT, KEY_DELAY */
  const char *const *words; /* KEY_WORD, KEY_CHOICE, KEY_BOOL; KEY_INT: one word that means 0 */
  bool (*check)(const char *text); /* KEY_TEXT: may be NULL */
  const char *expected;            /* what check wants, in words */
  const char *help;
};

enum { KEY_FLAG_MAX = 64 };

extern const struct key key_table[];
extern const size_t key_count;

/* key_find() knows names, and NAME_FILE of what may come from a file. */
const struct key *key_find(const char *name);
void key_flag(const struct key *k, char out[KEY_FLAG_MAX]); /* --queue-rate-limit */
bool key_is_switch(const struct key *k);                    /* --insecure: takes no value */

/* key_parse() sets k's member of c from text, which c's texts borrow. False: text is not one. */
bool key_parse(const struct key *k, char *text, struct config *c);
void key_expected(const struct key *k, struct buf *out); /* "a whole number from 1 to 100" */

/* key_show() appends text with what must not be seen in it replaced by three stars. */
void key_show(const struct key *k, const char *text, struct buf *out);

#endif
