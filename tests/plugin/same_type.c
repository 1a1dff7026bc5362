/* same_type.c - its type has the name of good.c's. */
#define VENUE_NAME "other"
#include "frame.h"
