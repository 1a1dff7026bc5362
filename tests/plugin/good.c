/* good.c - nothing is wrong with it. */
#define OPEN_PLUGIN open_plugin
#include "frame.h"
