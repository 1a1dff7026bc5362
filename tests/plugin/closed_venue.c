/* closed_venue.c - its venue does not open. */
#define OPEN_PLUGIN open_plugin
#define OPEN_VENUE  open_venue_badly
#include "frame.h"
