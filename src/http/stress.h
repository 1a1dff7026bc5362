/*
 * stress.h - the stress test: what api_init() opens and api_close() closes. Loop thread only.
 */
#ifndef HTTP_STRESS_H
#define HTTP_STRESS_H

#include <uv.h>

struct stress;

struct stress *stress_open(uv_loop_t *loop);
/* stress_close() answers a test that runs, and lets go; what it has placed stays placed. NULL is
 * legal. */
void stress_close(struct stress *stress);

#endif
