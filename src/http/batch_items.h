/*
 * batch_items.h - the orders of a batch: an array taken apart, read one by one as single orders
 * are, held against the names that are taken, and told in the answer. Pure.
 */
#ifndef HTTP_BATCH_ITEMS_H
#define HTTP_BATCH_ITEMS_H

#include "http/envelope.h"
#include "journal/journal.h"
#include "order/order.h"

enum { BATCH_ORDERS_MAX = 1000, BATCH_ERRORS_MAX = 8 /* shown of one order */ };

enum batch_item_state {
  BATCH_UNREAD,
  BATCH_NEW,    /* to be placed */
  BATCH_KNOWN,  /* placed before, by the same text */
  BATCH_SAME,   /* as an item before it */
  BATCH_FAILED, /* errors says why */
};

struct batch_item {
  enum batch_item_state state;
  struct ulid id; /* of the order; the caller sets it for new ones */
  char status[ORDER_STATUS_MAX + 1];
  char own[ORDER_OWN_ID_MAX + 1]; /* its name; "": none */
  char member[OX_NAME_MAX];       /* where that stands */
  unsigned char hash[JOURNAL_HASH_LEN];
  size_t same_as;
  char *errors; /* elements of a JSON array; NULL: none */
};

struct batch_items {
  struct json_items text;
  struct batch_item *items;
  size_t n;
  struct problem_errors wrong; /* what makes all of it invalid */
};

/* batch_items_split() takes text (borrowed till deinit) apart. ST_INVALID: wrong says why. ST_FULL:
 * more than BATCH_ORDERS_MAX. deinit it in any case. */
enum status batch_items_split(struct batch_items *b, const char *text, size_t len) MUST_CHECK;
void batch_items_deinit(struct batch_items *b);

/* batch_items_read() reads the i-th; to be called for each in order. ST_OK: it is new, and out is
 * what is to be placed. ST_REPLAYED: the same as one before it. ST_INVALID: it fails, or wrong has
 * more. out is to be deinit'ed in any case. */
enum status batch_items_read(struct batch_items *b, size_t i, const struct registry *registry,
                             struct envelope *out) MUST_CHECK;

/* batch_items_taken() says that the i-th, which is new, has a name that the order taken has. */
struct batch_taken {
  struct ulid id;
  const unsigned char *hash;
  const char *status;
};
void batch_items_taken(struct batch_items *b, size_t i, const struct batch_taken *taken);

/* batch_items_write() writes the answer, counted in chunks. */
void batch_items_write(const struct batch_items *b, size_t chunk, struct buf *out);

#endif
