/* unsound_table.c - a state leads to one that is not there. */
#define AFTER_PENDING "nowhere"
#include "frame.h"
