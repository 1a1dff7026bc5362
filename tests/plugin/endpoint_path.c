/* endpoint_path.c - an endpoint where nothing can be. */
#define ENDPOINT "GET", "/frame/", "orders:read", 0, answer
#include "frame.h"
