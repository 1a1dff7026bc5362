/* endpoint_taken.c - an endpoint on a path of the daemon's. */
#define ENDPOINT "PUT", "/api/orders/frame", "admin", 64, answer
#include "frame.h"
