/*
 * load_book.h - what a load has seen: every order, every event, how long it took, and whether it
 * was right. Knows no network. Not shared between threads.
 */
#ifndef CTL_LOAD_BOOK_H
#define CTL_LOAD_BOOK_H

#include "base/ulid.h"
#include "ctl/event.h"
#include "ctl/histogram.h"

enum { LOAD_STATES_MAX = 12, LOAD_EXAMPLES_MAX = 5 };

/* What can be wrong with an order. */
enum load_wrong {
  LOAD_NOT_ENDED,
  LOAD_MISSING,   /* a seq was left out */
  LOAD_DISORDER,  /* a seq came twice, or behind a later one */
  LOAD_REPEATED,  /* a state came twice within an attempt, which was not taken over */
  LOAD_AFTER_END, /* something came after the last state */
  LOAD_WRONGS
};
extern const char *const load_wrong_names[LOAD_WRONGS];  /* notEnded … */
extern const char *const load_wrong_titles[LOAD_WRONGS]; /* not ended … */

struct load_counts {
  int64_t sent, accepted, refused, unanswered; /* of POSTs; a 5xx is refused, too */
  int64_t ended, succeeded, failed, cancelled; /* of accepted orders */
  int64_t events;                              /* of them, when it is closed */
  int64_t taken_over;         /* how often an attempt began again, as after a worker's death */
  int64_t wrong[LOAD_WRONGS]; /* orders; one may be wrong in several ways */
};

struct load_book {
  struct load_counts counts;
  struct histogram *post;     /* µs: from when it was due to its answer */
  struct histogram *service;  /* µs: from when it was sent */
  struct histogram *listener; /* µs: from an event's time to its coming here */
  struct histogram *end;      /* µs: from accept to the last state, when it is closed */
  struct load_state {
    char name[24];
    struct histogram *since_accept; /* as end; both in steps of 1000: events carry ms */
  } states[LOAD_STATES_MAX];
  size_t n_states;
  char examples[LOAD_WRONGS][LOAD_EXAMPLES_MAX][ULID_ORDER_LEN + 1];
  struct load_order *orders; /* a hash table by id */
  size_t n_orders, room;
};

void load_book_init(struct load_book *b);
void load_book_deinit(struct load_book *b);

/* load_book_accepted() says that the order is one of ours; its events may have come before. false:
 * it is known already, which no answer to a POST may be. */
bool load_book_accepted(struct load_book *b, const char *order_id);

/* load_book_event() takes an event of anybody's order. live: it was sent as it happened, so that
 * its way here counts. now_ms: Unix time. */
void load_book_event(struct load_book *b, const struct event *e, bool live, int64_t now_ms);

/* load_book_close() judges and sums up, when nothing more comes. */
void load_book_close(struct load_book *b);

#endif
