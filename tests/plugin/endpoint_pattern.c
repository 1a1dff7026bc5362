/* endpoint_pattern.c - an endpoint that wants to be many. */
#define ENDPOINT "GET", "/frame/:id", "orders:read", 0, answer
#include "frame.h"
