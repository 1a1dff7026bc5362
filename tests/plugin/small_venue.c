/* small_venue.c - its venue ends before the members that the first minor has. */
#define VENUE_SIZE offsetof(struct ox_venue, close)
#include "frame.h"
