/* endpoint_body.c - a GET with a body. */
#define ENDPOINT "GET", "/frame", "orders:read", 1, answer
#include "frame.h"
