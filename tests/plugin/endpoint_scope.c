/* endpoint_scope.c - an endpoint for nobody. */
#define ENDPOINT "GET", "/frame", "everybody", 0, answer
#include "frame.h"
