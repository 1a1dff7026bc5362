/* no_execute.c - nobody runs its orders, and nobody can move them. */
#define EXECUTE NULL
#include "frame.h"
