/* no_quote.c - its venue cannot quote. */
#define QUOTE NULL
#include "frame.h"
