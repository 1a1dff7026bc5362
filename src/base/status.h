/*
 * status.h - how operating errors travel. Returned, must be checked; bugs are asserted instead.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
  ST_OK,
  ST_INVALID,   /* the input is wrong; asking again is no use */
  ST_FULL,      /* a bound is reached: come back later */
  ST_AWAY,      /* the server behind it is not reachable: come back later */
  ST_STALE,     /* the order has moved on: fence or seq is an old one */
  ST_NOT_FOUND, /* no such thing */
  ST_CONFLICT,  /* it exists already, with other content */
  ST_BUSY,      /* the same request is still under way */
  ST_REPLAYED,  /* it exists already, with this content: the first answer counts */
  ST_BROKEN,    /* the server refused or answered nonsense; logged where it was seen */
};

const char *status_name(enum status status);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
