/*
 * registry_test.c - good and bad plugins, built from tests/plugin/ beside this program; each test
 * links those it needs into a directory of its own.
 */
#include "plugin/registry.h"
#include "workers/venues.h"

#include <criterion/criterion.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], calls[96], error[512];
static struct registry *registry;

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  return strcmp(key, "FRAME_LOG") == 0 ? calls : NULL;
}

static int64_t now_ms(void)
{
  return 0;
}

static void say(const char *level, const char *message)
{
  (void)level, (void)message;
}

static const struct ox_config config = {
    .size = sizeof config, .dir = dir, .get = get, .now_ms = now_ms, .log = say};

static void setup(void)
{
  snprintf(dir, sizeof dir, "/tmp/registry_test.XXXXXX");
  cr_assert(mkdtemp(dir));
  snprintf(calls, sizeof calls, "%s/calls", dir);
  registry = NULL;
  error[0] = '\0';
}

static void teardown(void)
{
  char command[128];
  registry_destroy(registry);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  cr_assert(system(command) == 0);
}

/* Links the plugin into the directory under another name. */
static void put(const char *plugin, const char *as)
{
  char self[PATH_MAX] = "", from[PATH_MAX * 2], to[PATH_MAX];
  cr_assert(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(from, sizeof from, "%s/../../plugin/%s.so", dirname(self), plugin);
  snprintf(to, sizeof to, "%s/%s", dir, as);
  cr_assert(symlink(from, to) == 0);
}

static enum status load(void)
{
  return registry_load(dir, &config, &registry, error, sizeof error);
}

static const char *called(void)
{
  static char letters[32];
  FILE *file = fopen(calls, "r");
  if (!file) return "";
  letters[fread(letters, 1, sizeof letters - 1, file)] = '\0';
  fclose(file);
  return letters;
}

static void refused(const char *plugin, const char *why)
{
  char file[64], expected[600];
  snprintf(file, sizeof file, "%s.so", plugin);
  put(plugin, file);
  cr_assert(load() == ST_INVALID);
  snprintf(expected, sizeof expected, "%s: %s", file, why);
  cr_assert(strstr(error, expected) == error, "it says: %s", error);
  cr_assert_null(registry);
}

TestSuite(registry, .init = setup, .fini = teardown);

Test(registry, loads_what_is_sound)
{
  put("good", "good.so");
  cr_assert(load() == ST_OK, "%s", error);
  cr_assert(registry_types(registry) == 1 && registry_venues(registry) == 1);
  const struct order_type *type = registry_type(registry, "frame");
  cr_assert(type && type == registry_type_at(registry, 0) && type->n_states == 3);
  cr_assert(type->executor && strcmp(type->executor->type, "frame") == 0);
  const struct registry_venue *venue = registry_venue(registry, "frame");
  cr_assert(venue && venue == registry_venue_at(registry, 0) && venue->index == 0);
  cr_assert_null(registry_type(registry, "other"));
  cr_assert_null(registry_venue(registry, "other"));
}

Test(registry, opens_the_plugin_first_and_closes_it_last)
{
  put("good", "good.so");
  cr_assert(load() == ST_OK);
  cr_assert_str_eq(called(), "PV");
  registry_destroy(registry);
  registry = NULL;
  cr_assert_str_eq(called(), "PVvp");
}

Test(registry, loads_again_after_unloading)
{
  put("good", "good.so");
  for (int i = 0; i < 3; i++) {
    cr_assert(load() == ST_OK);
    registry_destroy(registry);
    registry = NULL;
  }
}

Test(registry, other_files_do_not_matter)
{
  put("good", "good.so");
  put("wrong_abi", "wrong_abi.so.old");
  put("wrong_abi", "so");
  put("wrong_abi", ".so");
  cr_assert(load() == ST_OK, "%s", error);
}

Test(registry, refuses_another_abi_with_both_numbers)
{
  char why[64];
  snprintf(why, sizeof why, "it was built for ABI %d.%d, this is %d.%d", OX_ABI_MAJOR + 1,
           OX_ABI_MINOR, OX_ABI_MAJOR, OX_ABI_MINOR);
  refused("wrong_abi", why);
}

Test(registry, refuses_what_is_no_plugin)
{
  refused("no_symbol", "it does not export ox_plugin()");
}

Test(registry, refuses_an_entry_that_gives_nothing)
{
  refused("nothing", "ox_plugin() gives nothing");
}

Test(registry, refuses_a_struct_of_an_older_minor)
{
  refused("old_struct", "its struct ox_plugin is smaller");
}

Test(registry, refuses_a_plugin_without_a_name)
{
  refused("unnamed", "it has no valid name");
}

Test(registry, refuses_an_unsound_state_table)
{
  refused("unsound_table", "order type 'frame': state 'pending' moves on to 'nowhere'");
}

Test(registry, refuses_bad_names)
{
  refused("bad_type_name", "an executor has no valid type name");
}

Test(registry, refuses_long_names)
{
  refused("long_venue_name", "a venue has no valid name");
}

Test(registry, refuses_a_venue_without_quotes)
{
  refused("no_quote", "venue 'frame' lacks a function");
}

Test(registry, says_why_a_plugin_does_not_open_and_does_not_close_it)
{
  refused("closed_plugin", "it does not open: no table of tokens");
  cr_assert_str_eq(called(), "");
}

Test(registry, says_why_a_venue_does_not_open_and_closes_its_plugin)
{
  refused("closed_venue", "venue 'frame' does not open: nobody is there");
  cr_assert_str_eq(called(), "Pp");
}

Test(registry, refuses_a_type_twice)
{
  put("good", "1.so");
  refused("same_type", "order type 'frame' is there already");
  cr_assert_str_eq(called(), "PVvp");
}

Test(registry, refuses_a_venue_twice)
{
  put("good", "1.so");
  refused("same_venue", "venue 'frame' is there already");
}

Test(registry, loads_by_name_so_the_last_one_is_refused)
{
  put("good", "2.so");
  put("same_type", "1.so");
  cr_assert(load() == ST_INVALID);
  cr_assert(strstr(error, "2.so: ") == error, "it says: %s", error);
}

Test(registry, has_the_endpoints_of_all_plugins)
{
  put("good", "1.so");
  put("endpoints", "2.so");
  cr_assert(load() == ST_OK, "%s", error);
  cr_assert_eq(registry_endpoints(registry), 5);
  const struct registry_endpoint *first = registry_endpoint_at(registry, 0);
  cr_assert_str_eq(first->endpoint->path, "/frame");
  cr_assert_str_eq(first->file, "1.so");
  cr_assert_str_eq(registry_endpoint_at(registry, 4)->endpoint->path, "/test/publish");
}

Test(registry, takes_a_plugin_of_the_minor_before_endpoints)
{
  put("minor_0", "minor_0.so");
  cr_assert(load() == ST_OK, "%s", error);
  cr_assert_eq(registry_endpoints(registry), 0);
}

Test(registry, refuses_endpoints_without_a_proper_path)
{
  refused("endpoint_path", "an endpoint has no valid path");
}

Test(registry, refuses_endpoints_with_a_pattern)
{
  refused("endpoint_pattern", "an endpoint has no valid path");
}

Test(registry, refuses_endpoints_with_an_odd_method)
{
  refused("endpoint_method", "endpoint /frame has no valid method");
}

Test(registry, refuses_endpoints_with_an_odd_scope)
{
  refused("endpoint_scope", "endpoint GET /frame has no valid scope");
}

Test(registry, refuses_a_get_with_a_body)
{
  refused("endpoint_body", "endpoint GET /frame takes a body that is too large");
}

Test(registry, refuses_endpoints_that_do_nothing)
{
  refused("endpoint_empty", "endpoint GET /frame lacks handle()");
}

Test(registry, refuses_an_endpoint_twice)
{
  put("good", "1.so");
  refused("endpoint_twice", "endpoint GET /frame is there already, from 1.so");
}

Test(registry, refuses_what_is_no_shared_object)
{
  char path[96];
  snprintf(path, sizeof path, "%s/text.so", dir);
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs("not ELF\n", file) >= 0 && fclose(file) == 0);
  cr_assert(load() == ST_INVALID);
  cr_assert(strstr(error, "text.so: ") == error && strstr(error, "text.so: file too short"),
            "it says: %s", error);
}

Test(registry, refuses_a_directory_without_plugins)
{
  cr_assert(load() == ST_INVALID);
  cr_assert(strstr(error, dir) && strstr(error, "there are no plugins"), "it says: %s", error);
}

Test(registry, refuses_a_directory_that_is_not_there)
{
  cr_assert(registry_load("/nowhere/at/all", &config, &registry, error, sizeof error) ==
            ST_INVALID);
  cr_assert(strstr(error, "No such file"), "it says: %s", error);
}

Test(registry, cuts_an_error_that_is_too_long)
{
  char small[16];
  put("wrong_abi", "wrong_abi.so");
  cr_assert(registry_load(dir, &config, &registry, small, sizeof small) == ST_INVALID);
  cr_assert_str_eq(small, "wrong_abi.so: i");
}

Test(registry, takes_a_type_that_nobody_runs)
{
  put("by_hand", "by_hand.so");
  cr_assert(load() == ST_OK, "%s", error);
  const struct order_type *type = registry_type(registry, "frame");
  cr_assert_not(order_type_executed(type));
  cr_assert_str_eq(order_type_known_by(type), "frame_id");
  cr_assert_str_eq(order_type_own_id(type), "frame_id");
}

Test(registry, refuses_a_type_that_nobody_can_move)
{
  refused("no_execute", "executor 'frame' lacks execute(), and no state is entered by hand");
}

Test(registry, takes_an_executor_of_an_earlier_minor)
{
  put("minor_1", "minor_1.so");
  cr_assert(load() == ST_OK, "%s", error);
  const struct order_type *type = registry_type(registry, "minor_1");
  cr_assert(order_type_executed(type));
  cr_assert_null(order_type_known_by(type));
  cr_assert_null(order_type_own_id(type));
}

Test(registry, takes_a_venue_of_an_earlier_minor)
{
  put("minor_3", "minor_3.so");
  cr_assert(load() == ST_OK, "%s", error);
  const struct registry_venue *venue = registry_venue(registry, "minor_3");
  cr_assert_not_null(venue);
  cr_assert_not(venues_together(venue, venue));
}

Test(registry, refuses_a_venue_without_the_members_of_the_first_minor)
{
  refused("small_venue", "a venue is smaller than ABI 1.0 has it");
}

Test(registry, destroys_nothing)
{
  registry_destroy(NULL);
}
