/*
 * probes.h - what the API says of the rest of the process: callbacks of struct api, whose probe_arg
 * is the struct serve. Loop thread only.
 */
#ifndef SERVE_PROBES_H
#define SERVE_PROBES_H

#include "http/api.h"

enum api_redis probe_redis(void *arg);
enum api_workers probe_workers(void *arg);
size_t probe_venues(void *arg, struct api_venue *out, size_t max);
bool probe_own_workers(void *arg, struct buf *text, struct queue_report *out);
void probe_metrics(void *arg); /* sets gauges */

#endif
