/*
 * sim.c - the simulated venues: what they share, opened and closed, and their tables. shared is set
 * when the plugin opens and constant from then on; the venues' functions reach it through the venue
 * they are handed.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim_venue.h"

static struct sim *shared;

const struct sim *sim_shared(void)
{
  return shared;
}

enum ox_venue_result sim_open(const struct ox_config *config, char *error, size_t error_len)
{
  struct sim *sim = shared = calloc(1, sizeof *sim);
  if (!sim) goto no_memory;
  sim->config = config;
  sim->database_url = config->get(config, "DATABASE_URL");
  sim->raydium = (struct sim_venue){.sim = sim, .name = sim_raydium.name, .side = 1};
  sim->meteora = (struct sim_venue){.sim = sim, .name = sim_meteora.name, .side = -1};
  sim->both =
      (struct sim_venue){.sim = sim, .name = sim_both.name, .legs = {&sim->raydium, &sim->meteora}};
  const char *wrong = sim_config_read(sim);
  const char *url = sim->database_url;
  if (!wrong && (!url || !*url)) wrong = "DATABASE_URL is not set: the ledger is kept there";
  if (wrong) {
    snprintf(error, error_len, "%s", wrong);
    goto failed;
  }
  struct scenario *files = scenario_load(config->dir, SIM_BIN_SHIFT_MAX, error, error_len);
  if (!files) goto failed;
  sim->board = board_create(config, url, files);
  if (!sim->board) goto no_memory;
  sim->ledger = ledger_create(config, url);
  if (sim->ledger) return OX_VENUE_OK;
no_memory:
  snprintf(error, error_len, "no memory, or no thread, for the simulation");
failed:
  sim_close();
  return OX_VENUE_UNAVAILABLE;
}

void sim_close(void)
{
  if (!shared) return;
  ledger_destroy(shared->ledger);
  board_destroy(shared->board);
  free(shared);
  shared = NULL;
}

static enum ox_venue_result open_raydium(const struct ox_config *config, void **self, char *error,
                                         size_t error_len)
{
  (void)config, (void)error, (void)error_len;
  *self = &shared->raydium;
  return OX_VENUE_OK;
}

static enum ox_venue_result open_meteora(const struct ox_config *config, void **self, char *error,
                                         size_t error_len)
{
  (void)config, (void)error, (void)error_len;
  *self = &shared->meteora;
  return OX_VENUE_OK;
}

static enum ox_venue_result open_both(const struct ox_config *config, void **self, char *error,
                                      size_t error_len)
{
  (void)config, (void)error, (void)error_len;
  *self = &shared->both;
  return OX_VENUE_OK;
}

static void close_venue(void *self)
{
  (void)self;
}

/* A fault may keep any quote waiting. */
static int quote_waits(void *self)
{
  const struct sim *sim = ((const struct sim_venue *)self)->sim;
  if (sim->quote_delay.max > 0) return 1;
  return sim_faulty(sim);
}

const struct ox_venue sim_raydium = {
    .size = sizeof sim_raydium,
    .name = "raydium",
    .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
    .open = open_raydium,
    .quote = sim_quote,
    .build = sim_build,
    .submit = sim_submit,
    .lookup = sim_lookup,
    .close = close_venue,
    .quote_waits = quote_waits,
    .submit_batch = sim_submit_batch,
};

const struct ox_venue sim_meteora = {
    .size = sizeof sim_meteora,
    .name = "meteora",
    .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
    .open = open_meteora,
    .quote = sim_quote,
    .build = sim_build,
    .submit = sim_submit,
    .lookup = sim_lookup,
    .close = close_venue,
    .quote_waits = quote_waits,
    .submit_batch = sim_submit_batch,
};

const struct ox_venue sim_both = {
    .size = sizeof sim_both,
    .name = "raydium+meteora",
    .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
    .open = open_both,
    .quote = sim_quote,
    .build = sim_build,
    .submit = sim_submit,
    .lookup = sim_lookup,
    .close = close_venue,
    .quote_waits = quote_waits,
    .submit_batch = sim_submit_batch,
};
