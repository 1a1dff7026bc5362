/* sim_api.h - the endpoints of the simulation, NULL-terminated. */
#ifndef SIM_API_H
#define SIM_API_H

#include <ox/endpoint.h>

extern const struct ox_endpoint *const sim_endpoints[];

#endif
