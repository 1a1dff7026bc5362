/*
 * registry.c - plugins are opened once, in the order of their names, checked against the interface
 * and each other, and closed in reverse. After loading nothing changes; the main thread loads and
 * destroys, any thread looks up.
 */
#include "plugin/registry.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/blame.h"

enum { PLUGINS_MAX = 64, TYPES_MAX = 64, VENUES_MAX = 64, ENDPOINTS_MAX = 128 };

struct plugin {
  char *file;
  void *library;
  const struct ox_plugin *plugin;
  bool open;
};

struct registry {
  const struct ox_config *config;
  struct plugin plugins[PLUGINS_MAX];
  struct order_type types[TYPES_MAX];
  struct registry_venue venues[VENUES_MAX];
  struct registry_endpoint endpoints[ENDPOINTS_MAX];
  size_t n_plugins, n_types, n_venues, n_endpoints;

  const char *file; /* while loading: the plugin's, for the error */
  char *error;
  size_t error_len;
};

__attribute__((format(printf, 2, 3))) static enum status refuse(struct registry *r,
                                                                const char *format, ...)
{
  int len = snprintf(r->error, r->error_len, "%s: ", r->file);
  va_list args;
  va_start(args, format);
  if (len >= 0 && (size_t)len < r->error_len)
    vsnprintf(r->error + len, r->error_len - (size_t)len, format, args);
  va_end(args);
  return ST_INVALID;
}

/* A word that can stand in JSON, in SQL and in a metric as it is. */
static bool name_valid(const char *name)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-+";
  size_t len = name ? strnlen(name, OX_NAME_MAX) : 0;
  return len > 0 && len < OX_NAME_MAX && strspn(name, allowed) == len;
}

/* ── executors ──────────────────────────────────────────────────────────────────────────────────
 */

static enum status add_executor(struct registry *r, const struct ox_executor *e)
{
  if (!OX_HAS(e, execute))
    return refuse(r, "an executor is smaller than ABI %d.0 has it", OX_ABI_MAJOR);
  if (!name_valid(e->type)) return refuse(r, "an executor has no valid type name");
  if (!e->validate) return refuse(r, "executor '%s' lacks validate()", e->type);
  if (registry_type(r, e->type)) return refuse(r, "order type '%s' is there already", e->type);
  struct order_type type = {e->type, e->states, e->n_states, e};
  char why[256];
  if (order_type_check(&type, why, sizeof why) != ST_OK) return refuse(r, "%s", why);
  if (!order_type_executed(&type) && !order_type_flagged(&type, OX_STATE_BY_HAND))
    return refuse(r, "executor '%s' lacks execute(), and no state is entered by hand", e->type);
  if (r->n_types == TYPES_MAX) return refuse(r, "too many order types");
  r->types[r->n_types++] = type;
  return ST_OK;
}

/* ── venues ─────────────────────────────────────────────────────────────────────────────────────
 */

static enum status add_venue(struct registry *r, const struct ox_venue *v)
{
  if (!OX_HAS(v, quote_waits))
    return refuse(r, "a venue is smaller than ABI %d.0 has it", OX_ABI_MAJOR);
  if (!name_valid(v->name)) return refuse(r, "a venue has no valid name");
  if ((unsigned)v->submit_class > OX_SUBMIT_NONE)
    return refuse(r, "venue '%s' has an unknown submit class", v->name);
  if (!v->open || !v->quote || !v->build || !v->submit || !v->lookup || !v->close)
    return refuse(r, "venue '%s' lacks a function", v->name);
  if (registry_venue(r, v->name)) return refuse(r, "venue '%s' is there already", v->name);
  if (r->n_venues == VENUES_MAX) return refuse(r, "too many venues");
  char why[256] = "";
  void *self = NULL;
  if (v->open(r->config, &self, why, sizeof why) != OX_VENUE_OK)
    return refuse(r, "venue '%s' does not open: %s", v->name, why);
  r->venues[r->n_venues] = (struct registry_venue){v, self, r->n_venues};
  r->n_venues++;
  return ST_OK;
}

/* ── endpoints ──────────────────────────────────────────────────────────────────────────────────
 */

static bool one_of(const char *word, const char *const *words)
{
  while (*words && strcmp(word, *words) != 0) words++;
  return *words;
}

/* "/api/quote": segments of letters, digits, "-", "_" and ".", none of them empty. */
static bool path_valid(const char *path)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (strnlen(path, OX_PATH_MAX) == OX_PATH_MAX) return false;
  for (; *path == '/'; path += strspn(path, allowed))
    if (strspn(++path, allowed) == 0) return false;
  return *path == '\0';
}

static const struct registry_endpoint *find_endpoint(const struct registry *r, const char *method,
                                                     const char *path)
{
  for (size_t i = 0; i < r->n_endpoints; i++) {
    const struct ox_endpoint *e = r->endpoints[i].endpoint;
    if (strcmp(e->method, method) == 0 && strcmp(e->path, path) == 0) return &r->endpoints[i];
  }
  return NULL;
}

static enum status check_endpoint(struct registry *r, const struct ox_endpoint *e)
{
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
  static const char *const scopes[] = {"orders:read", "orders:write", "admin", NULL};
  if (e->size < sizeof *e) return refuse(r, "an endpoint is smaller than this interface has it");
  if (!e->path || !path_valid(e->path)) return refuse(r, "an endpoint has no valid path");
  if (!e->method || !one_of(e->method, methods))
    return refuse(r, "endpoint %s has no valid method", e->path);
  if (!e->scope || !one_of(e->scope, scopes))
    return refuse(r, "endpoint %s %s has no valid scope", e->method, e->path);
  if (e->max_body > (strcmp(e->method, "GET") == 0 ? 0 : OX_BODY_MAX))
    return refuse(r, "endpoint %s %s takes a body that is too large", e->method, e->path);
  if (!e->handle) return refuse(r, "endpoint %s %s lacks handle()", e->method, e->path);
  const struct registry_endpoint *other = find_endpoint(r, e->method, e->path);
  if (other)
    return refuse(r, "endpoint %s %s is there already, from %s", e->method, e->path, other->file);
  return ST_OK;
}

static enum status add_endpoint(struct registry *r, const struct ox_endpoint *e)
{
  enum status status = check_endpoint(r, e);
  if (status != ST_OK) return status;
  if (r->n_endpoints == ENDPOINTS_MAX) return refuse(r, "too many endpoints");
  r->endpoints[r->n_endpoints++] = (struct registry_endpoint){e, r->plugins[r->n_plugins - 1].file};
  return ST_OK;
}

/* ── plugins ────────────────────────────────────────────────────────────────────────────────────
 */

static enum status check_plugin(struct registry *r, const struct ox_plugin *p)
{
  if (!p) return refuse(r, "ox_plugin() gives nothing");
  if (p->abi_major != OX_ABI_MAJOR)
    return refuse(r, "it was built for ABI %u.%u, this is %d.%d", p->abi_major, p->abi_minor,
                  OX_ABI_MAJOR, OX_ABI_MINOR);
  if (!OX_HAS(p, close))
    return refuse(r, "its struct ox_plugin is smaller than ABI %d.0 has it", OX_ABI_MAJOR);
  if (!name_valid(p->name)) return refuse(r, "it has no valid name");
  return ST_OK;
}

static enum status open_members(struct registry *r, struct plugin *plugin)
{
  const struct ox_plugin *p = plugin->plugin;
  char why[256] = "";
  if (p->open && p->open(r->config, why, sizeof why) != OX_VENUE_OK)
    return refuse(r, "it does not open: %s", why);
  plugin->open = true;
  enum status status = ST_OK;
  for (size_t i = 0; status == ST_OK && p->executors && p->executors[i]; i++)
    status = add_executor(r, p->executors[i]);
  for (size_t i = 0; status == ST_OK && p->venues && p->venues[i]; i++)
    status = add_venue(r, p->venues[i]);
  const struct ox_endpoint *const *endpoints = OX_HAS(p, endpoints) ? p->endpoints : NULL;
  for (size_t i = 0; status == ST_OK && endpoints && endpoints[i]; i++)
    status = add_endpoint(r, endpoints[i]);
  return status;
}

/* What was opened is kept in r, also on failure: registry_destroy() closes it. */
static enum status load_plugin(struct registry *r, const char *dir, const char *file)
{
  char path[PATH_MAX];
  r->file = file;
  if (r->n_plugins == PLUGINS_MAX) return refuse(r, "there are more than %d plugins", PLUGINS_MAX);
  if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, file) >= sizeof path)
    return refuse(r, "its path is too long");
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return refuse(r, "%s", dlerror());
  struct plugin *plugin = &r->plugins[r->n_plugins++];
  plugin->library = library;
  plugin->file = mem_strdup(file);
  union {
    void *symbol;
    ox_plugin_fn call;
  } entry = {dlsym(library, "ox_plugin")};
  if (!entry.symbol) return refuse(r, "it does not export ox_plugin()");
  plugin->plugin = entry.call();
  enum status status = check_plugin(r, plugin->plugin);
  return status == ST_OK ? open_members(r, plugin) : status;
}

static int is_plugin(const struct dirent *entry)
{
  size_t len = strlen(entry->d_name);
  return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

/* Like alphasort(), but the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status load_all(struct registry *r, const char *dir)
{
  struct dirent **files = NULL;
  int n = scandir(dir, &files, is_plugin, by_name);
  r->file = dir;
  if (n < 0) return refuse(r, "the plugins cannot be listed: %s", strerror(errno));
  enum status status = n > 0 ? ST_OK : refuse(r, "there are no plugins");
  for (int i = 0; i < n && status == ST_OK; i++) {
    struct blame before = blame_enter("plugin", files[i]->d_name);
    status = load_plugin(r, dir, files[i]->d_name);
    blame_leave(before);
  }
  for (int i = 0; i < n; i++) free(files[i]);
  free(files);
  return status;
}

enum status registry_load(const char *dir, const struct ox_config *config, struct registry **out,
                          char *error, size_t error_len)
{
  assert(error_len > 0);
  struct registry *r = mem_alloc(sizeof *r);
  r->config = config;
  r->error = error;
  r->error_len = error_len;
  enum status status = load_all(r, dir);
  if (status == ST_OK)
    *out = r;
  else
    registry_destroy(r);
  return status;
}

void registry_destroy(struct registry *r)
{
  if (!r) return;
  while (r->n_venues > 0) {
    const struct registry_venue *v = &r->venues[--r->n_venues];
    v->venue->close(v->self);
  }
  while (r->n_plugins > 0) {
    const struct plugin *p = &r->plugins[--r->n_plugins];
    if (p->open && p->plugin->close) p->plugin->close();
    dlclose(p->library);
    free(p->file);
  }
  free(r);
}

/* ── looking up ─────────────────────────────────────────────────────────────────────────────────
 */

const struct order_type *registry_type(const struct registry *r, const char *name)
{
  for (size_t i = 0; i < r->n_types; i++)
    if (strcmp(r->types[i].name, name) == 0) return &r->types[i];
  return NULL;
}

size_t registry_types(const struct registry *r)
{
  return r->n_types;
}

const struct order_type *registry_type_at(const struct registry *r, size_t i)
{
  assert(i < r->n_types);
  return &r->types[i];
}

const struct registry_venue *registry_venue(const struct registry *r, const char *name)
{
  for (size_t i = 0; i < r->n_venues; i++)
    if (strcmp(r->venues[i].venue->name, name) == 0) return &r->venues[i];
  return NULL;
}

size_t registry_venues(const struct registry *r)
{
  return r->n_venues;
}

const struct registry_venue *registry_venue_at(const struct registry *r, size_t i)
{
  assert(i < r->n_venues);
  return &r->venues[i];
}

size_t registry_endpoints(const struct registry *r)
{
  return r->n_endpoints;
}

const struct registry_endpoint *registry_endpoint_at(const struct registry *r, size_t i)
{
  assert(i < r->n_endpoints);
  return &r->endpoints[i];
}
