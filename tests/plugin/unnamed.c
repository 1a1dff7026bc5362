/* unnamed.c - it has no name. */
#define PLUGIN_NAME ""
#include "frame.h"
