/* pages.h - lists of orders, page by page. */
#ifndef CTL_PAGES_H
#define CTL_PAGES_H

#include "ctl/session.h"

/* pages_print() asks for path (with its query, without a cursor), and prints what comes: to
 * programs the page as it is; with all, every page, and a line for each order. cursor may be NULL.
 */
enum exit_code pages_print(struct session *s, const char *path, const char *cursor, bool all);

#endif
