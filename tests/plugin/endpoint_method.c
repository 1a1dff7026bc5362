/* endpoint_method.c - an endpoint with a method of its own. */
#define ENDPOINT "LOOK", "/frame", "orders:read", 0, answer
#include "frame.h"
