/* by_hand.c - nobody runs its orders: clients move them. */
#define EXECUTE    NULL
#define DONE_FLAGS OX_STATE_BY_HAND
#define KNOWN_BY   "frame_id"
#include "frame.h"
