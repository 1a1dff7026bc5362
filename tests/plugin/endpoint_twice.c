/* endpoint_twice.c - other members, but the endpoint of good.c. */
#define TYPE_NAME  "other"
#define VENUE_NAME "other"
#include "frame.h"
