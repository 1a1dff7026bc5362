/*
 * statements.h - the journal's SQL, and the sweeper's. Set-based: each statement takes arrays, one
 * element for each order, and is the compare-and-set of its kind. Ids come sorted, so that rows are
 * locked in one order everywhere.
 *
 * DESIGN. now is read once in a statement, from PostgreSQL's clock. "IN (SELECT …) IS TRUE" keeps
 * the planner from turning a look-up in a handful of ids into a join: it stays a hashed subplan.
 */
#ifndef JOURNAL_STATEMENTS_H
#define JOURNAL_STATEMENTS_H

#include "io/pg.h"

extern const struct pg_statement journal_statements[];
extern const size_t n_journal_statements;
extern const struct pg_statement sweeper_statements[];
extern const size_t n_sweeper_statements;

#endif
