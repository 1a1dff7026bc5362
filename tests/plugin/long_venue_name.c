/* long_venue_name.c - the name of its venue is longer than an event has room for. */
#define VENUE_NAME "a-venue-with-a-name-of-32-letters"
#include "frame.h"
