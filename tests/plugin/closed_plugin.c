/* closed_plugin.c - it does not open. */
#define OPEN_PLUGIN open_plugin_badly
#include "frame.h"
