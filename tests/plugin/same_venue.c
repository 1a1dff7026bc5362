/* same_venue.c - its venue has the name of good.c's. */
#define TYPE_NAME "other"
#include "frame.h"
