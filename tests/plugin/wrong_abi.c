/* wrong_abi.c - built for another interface. */
#define ABI_MAJOR (OX_ABI_MAJOR + 1)
#include "frame.h"
