/* minor_3.c - its venue ends where a member has come with minor 4: it is not to be looked at. */
#define VENUE_SIZE   offsetof(struct ox_venue, submit_batch)
#define VENUE_NAME   "minor_3"
#define SUBMIT_BATCH ((void *)1)
#include "frame.h"
