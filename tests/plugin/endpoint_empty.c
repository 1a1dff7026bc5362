/* endpoint_empty.c - an endpoint that does nothing. */
#define ENDPOINT "GET", "/frame", "orders:read", 0, NULL
#include "frame.h"
