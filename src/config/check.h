/*
 * check.h - what texts of the configuration must look like. Private to this room. Pure.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <stdbool.h>

bool check_host(const char *text);      /* an address, or localhost */
bool check_loopback(const char *text);  /* one that only this machine reaches */
bool check_addresses(const char *text); /* a list of addresses */
bool check_origins(const char *text);   /* a list of https://host[:port] */
bool check_postgres(const char *text);  /* a URL, or libpq's key=value */
bool check_redis(const char *text);
bool check_prefix(const char *text); /* of keys in Redis */
bool check_secret(const char *text); /* long enough to sign with */

#endif
