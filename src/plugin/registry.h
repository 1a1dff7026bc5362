/*
 * registry.h - executors, venues and endpoints: loaded from shared objects at start, checked, then
 * read-only.
 *
 * registry_load() opens every *.so in dir, in alphabetical order, with RTLD_NOW | RTLD_LOCAL. A
 * plugin with the wrong ABI major, without ox_plugin(), with an unsound state table, with a type,
 * venue or endpoint that is there already, or whose venue fails to open stops the start; the error
 * names the file and says what is wrong with it. Load on the main thread; look up from any.
 */
#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include <ox/executor.h>
#include <stddef.h>

#include "base/status.h"
#include "order/type.h"

struct registry;

struct registry_venue {
  const struct ox_venue *venue;
  void *self;
  size_t index; /* 0, 1, … */
};

struct registry_endpoint {
  const struct ox_endpoint *endpoint;
  const char *file; /* of the plugin that brings it */
};

/* config is handed to the venues and must outlive the registry. */
enum status registry_load(const char *dir, const struct ox_config *config, struct registry **out,
                          char *error, size_t error_len) MUST_CHECK;
void registry_destroy(struct registry *r); /* closes venues, then unloads */

const struct order_type *registry_type(const struct registry *r, const char *name);
size_t registry_types(const struct registry *r);
const struct order_type *registry_type_at(const struct registry *r, size_t i);
const struct registry_venue *registry_venue(const struct registry *r, const char *name);
size_t registry_venues(const struct registry *r);
const struct registry_venue *registry_venue_at(const struct registry *r, size_t i);
size_t registry_endpoints(const struct registry *r);
const struct registry_endpoint *registry_endpoint_at(const struct registry *r, size_t i);

#endif
