/*
 * quote.h - GET /api/quote: what a market order would get now, and from where. Nothing is kept.
 */
#ifndef QUOTE_H
#define QUOTE_H

#include <ox/executor.h>

extern const struct ox_endpoint quote_endpoint;

#endif
