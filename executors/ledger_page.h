/*
 * ledger_page.h - the ledger for people and auditors, page by page, over a connection made for it.
 * Any thread; blocks as db.h does.
 */
#ifndef LEDGER_PAGE_H
#define LEDGER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "writer.h"

/* Entries come in the order of their hashes, which no new entry disturbs: whoever pages through
 * meets each entry that was there at the beginning, once. */
struct ledger_page {
  const char *order_id; /* NULL: of every order */
  const char *after;    /* the hash before the first one; "" to begin */
  size_t limit;
};

enum { LEDGER_PAGE_MAX = 200, LEDGER_PAGE_BYTES = LEDGER_PAGE_MAX * 512 };

/* ledger_page_write() writes {"entries":[…],"nextCursor"}, which fits LEDGER_PAGE_BYTES. False:
 * PostgreSQL is away, and error, of len bytes, has why. */
bool ledger_page_write(const char *database_url, const struct ledger_page *page, struct writer *w,
                       char *error, size_t len);

#endif
