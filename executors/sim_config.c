/*
 * sim_config.c - the simulation's keys: SIM_…, QUOTE_DELAY_MS, SWAP_DELAY_MS. Read once, while the
 * plugin opens.
 */
#include <string.h>

#include "sim_venue.h"

enum { DELAY_MAX_MS = 600000 };

/* A whole number up to max at *text, which is moved behind it. */
static bool read_number(const char **text, uint64_t max, uint64_t *out)
{
  const char *p = *text;
  *out = 0;
  for (; *p >= '0' && *p <= '9'; p++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (*out > (max - digit) / 10) return false;
    *out = *out * 10 + digit;
  }
  bool any = p > *text;
  *text = p;
  return any;
}

/* "N" or "MIN-MAX"; fallback when the key is not set. */
static bool read_delay(const struct ox_config *config, const char *key,
                       struct sim_range_ms fallback, struct sim_range_ms *out)
{
  const char *text = config->get(config, key);
  uint64_t min, max;
  *out = fallback;
  if (!text || !*text) return true;
  if (!read_number(&text, DELAY_MAX_MS, &min)) return false;
  max = min;
  if (*text == '-' && (text++, !read_number(&text, DELAY_MAX_MS, &max))) return false;
  *out = (struct sim_range_ms){(int64_t)min, (int64_t)max};
  return *text == '\0' && min <= max;
}

static bool read_seed(const struct ox_config *config, uint64_t *seed)
{
  const char *text = config->get(config, "SIM_SEED");
  *seed = 0;
  if (!text || !*text) return true;
  return read_number(&text, UINT64_MAX, seed) && *text == '\0';
}

static bool read_ms(const struct ox_config *config, const char *key, int64_t fallback, int64_t *out)
{
  const char *text = config->get(config, key);
  uint64_t ms;
  *out = fallback;
  if (!text || !*text) return true;
  if (!read_number(&text, DELAY_MAX_MS, &ms) || *text) return false;
  *out = (int64_t)ms;
  return true;
}

const char *sim_config_read(struct sim *sim)
{
  const struct ox_config *config = sim->config;
  const char *profile = config->get(config, "SIM_PROFILE");
  sim->realistic = profile && strcmp(profile, "realistic") == 0;
  if (profile && *profile && !sim->realistic && strcmp(profile, "seed") != 0)
    return "SIM_PROFILE is not known";
  if (!read_ms(config, "SIM_SLOT_MS", 400, &sim->slot_ms) || sim->slot_ms == 0)
    return "SIM_SLOT_MS is not a number of milliseconds over 0";
  if (!read_seed(config, &sim->seed)) return "SIM_SEED is not a number of 64 bits";
  if (!read_delay(config, "QUOTE_DELAY_MS", (struct sim_range_ms){200, 200}, &sim->quote_delay))
    return "QUOTE_DELAY_MS is neither N nor MIN-MAX milliseconds";
  if (!read_delay(config, "SWAP_DELAY_MS", (struct sim_range_ms){2000, 3000}, &sim->swap_delay))
    return "SWAP_DELAY_MS is neither N nor MIN-MAX milliseconds";
  if (!read_ms(config, "SIM_TX_SLACK_MS", 2000, &sim->tx_slack_ms))
    return "SIM_TX_SLACK_MS is not a number of milliseconds";
  if (!read_ms(config, "SIM_LATE_LANDING_MS", 300, &sim->late_landing_ms) ||
      sim->late_landing_ms == 0)
    return "SIM_LATE_LANDING_MS is not a number of milliseconds over 0";
  if (!read_ms(config, "SIM_LOOKUP_LAG_MS", 300, &sim->lookup_lag_ms))
    return "SIM_LOOKUP_LAG_MS is not a number of milliseconds";
  return NULL;
}
