/* Configuration: which source counts, what each key takes, and that every wrong value is named.
 * Each test is a process of its own, so it may change its environment and directory. */
#include "config/config.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/key.h"

static char dir[64];
static struct config c;
static struct buf errors;

static void remove_all(void)
{
  static const char *const names[] = {".env", "secret", "url"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (unlink(names[i]) != 0) rmdir(names[i]);
  cr_assert_eq(chdir("/"), 0);
  rmdir(dir);
}

static void setup(void)
{
  clearenv();
  snprintf(dir, sizeof dir, "/tmp/ox-config-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  cr_assert_eq(chdir(dir), 0);
  buf_init(&errors, 64 * 1024);
}

static void teardown(void)
{
  config_deinit(&c);
  buf_deinit(&errors);
  remove_all();
}

TestSuite(config, .init = setup, .fini = teardown);

static void write_file(const char *name, const char *text)
{
  FILE *f = fopen(name, "w");
  cr_assert_not_null(f);
  fputs(text, f);
  fclose(f);
}

/* load() takes the flags, NULL at the end. */
static enum status load(const char *first, ...)
{
  char *argv[32];
  int argc = 0;
  va_list args;
  va_start(args, first);
  for (const char *flag = first; flag; flag = va_arg(args, const char *)) {
    cr_assert_lt(argc, 32);
    argv[argc++] = strdup(flag);
  }
  va_end(args);
  config_deinit(&c);
  buf_clear(&errors);
  enum status status = config_load(&c, argc, argv, &errors);
  for (int i = 0; i < argc; i++) free(argv[i]);
  return status;
}

static void expect_good(enum status status)
{
  cr_assert_eq(status, ST_OK, "%s", errors.data ? errors.data : "");
  cr_assert_eq(errors.len, 0);
}

/* One line of errors is as told; text NULL: just that there are n lines. */
static void expect_wrong(enum status status, int n, const char *text)
{
  cr_assert_eq(status, ST_INVALID);
  const char *said = errors.data ? errors.data : "";
  int lines = 0;
  for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++) lines++;
  cr_assert_eq(lines, n, "%s", said);
  if (text) cr_assert_not_null(strstr(said, text), "%s\nnot: %s", text, said);
}

static char *printed(void (*print)(FILE *out))
{
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (print)
    print(out);
  else
    config_print(&c, out);
  fclose(out);
  return text;
}

Test(config, defaults)
{
  expect_good(load(NULL));
  cr_assert_str_eq(c.host, "127.0.0.1");
  cr_assert_eq(c.port, 3000);
  cr_assert_eq(c.worker_port, 0);
  cr_assert_eq(c.role, ROLE_ALL);
  cr_assert_not(c.insecure);
  cr_assert_not(c.no_migrate);
  cr_assert_str_eq(c.cors_origins, "");
  cr_assert_str_eq(c.trust_proxy, "");
  cr_assert_eq(c.http_rate_limit, 0);
  cr_assert_eq(c.http_max_per_address, 0);
  cr_assert_eq(c.http_max_connections, 20000);
  cr_assert_str_eq(c.redis_key_prefix, "ox");
  cr_assert_eq(c.queue_concurrency, 10);
  cr_assert_eq(c.queue_rate_limit, 100);
  cr_assert_eq(c.queue_rate_window_ms, 60000);
  cr_assert_eq(c.queue_attempts, 3);
  cr_assert_eq(c.queue_backoff_ms, 1000);
  cr_assert_eq(c.queue_lease_ms, 10000);
  cr_assert_eq(c.queue_max, 10000000);
  cr_assert_eq(c.queue_max_takeovers, 20);
  cr_assert_eq(c.job_deadline_ms, 120000);
  cr_assert_eq(c.batch_size, 100);
  cr_assert_eq(c.idempotency_ttl_s, 86400);
  cr_assert_eq(c.cache_ttl_s, 300);
  cr_assert_eq(c.cache_list_ttl_s, 2);
  cr_assert_eq(c.cache_max_mib, 32);
  cr_assert_eq(c.quote_delay_ms.min, 200);
  cr_assert_eq(c.quote_delay_ms.max, 200);
  cr_assert_eq(c.swap_delay_ms.min, 2000);
  cr_assert_eq(c.swap_delay_ms.max, 3000);
  cr_assert_eq(c.delivery_delay_ms.min, 1000);
  cr_assert_eq(c.router_leg_cost_bps, 1);
  cr_assert_eq(c.venue_deadline_ms, 500);
  cr_assert_str_eq(c.sim_profile, "seed");
  cr_assert_not(c.auth_required);
  cr_assert_str_eq(c.jwt_secret, "");
  cr_assert_eq(c.jwt_ttl_s, 3600);
  cr_assert_eq(c.log_level, LOG_LEVEL_INFO);
  cr_assert_eq(c.drain_timeout_ms, 25000);
}

Test(config, plugins_lie_beside_the_binary)
{
  expect_good(load(NULL));
  char self[4096] = "";
  cr_assert_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
  char *name = strrchr(self, '/') + 1;
  memcpy(name, "plugins", sizeof "plugins");
  cr_assert_str_eq(c.executor_dir, self);
  cr_assert_str_eq(config_value(&c, "EXECUTOR_DIR"), self);
  expect_good(load("--executor-dir", "/opt/ox", NULL));
  cr_assert_str_eq(c.executor_dir, "/opt/ox");
}

Test(config, flag_before_environment_before_file_before_default)
{
  write_file(".env", "PORT=1111\n");
  expect_good(load(NULL));
  cr_assert_eq(c.port, 1111);
  setenv("PORT", "2222", 1);
  expect_good(load(NULL));
  cr_assert_eq(c.port, 2222);
  expect_good(load("--port", "3333", NULL));
  cr_assert_eq(c.port, 3333);
  cr_assert_str_eq(config_value(&c, "PORT"), "3333");
}

Test(config, an_empty_value_is_none)
{
  write_file(".env", "PORT=1111\n");
  setenv("PORT", "", 1);
  setenv("QUEUE_ATTEMPTS", "", 1);
  expect_good(load("--port=", "--host=", NULL));
  cr_assert_eq(c.port, 1111);
  cr_assert_eq(c.queue_attempts, 3);
  cr_assert_str_eq(c.host, "127.0.0.1");
}

Test(config, both_forms_of_flags_and_the_last_one_counts)
{
  expect_good(load("--queue-rate-limit=5", "--role", "worker", "--insecure", "--no-migrate",
                   "--sim-seed", "18446744073709551615", "--role=api", NULL));
  cr_assert_eq(c.queue_rate_limit, 5);
  cr_assert_eq(c.role, ROLE_API);
  cr_assert(c.insecure);
  cr_assert(c.no_migrate);
  cr_assert_eq(c.sim_seed, UINT64_MAX);
  expect_good(load("--insecure=false", "--log-level=error", NULL));
  cr_assert_not(c.insecure);
  cr_assert_eq(c.log_level, LOG_LEVEL_ERROR);
}

Test(config, some_keys_are_flags_alone)
{
  setenv("ROLE", "worker", 1);
  setenv("INSECURE", "true", 1);
  write_file(".env", "NO_MIGRATE=true\n");
  expect_good(load(NULL));
  cr_assert_eq(c.role, ROLE_ALL);
  cr_assert_not(c.insecure);
  cr_assert_not(c.no_migrate);
}

Test(config, unknown_flags_name_the_nearest)
{
  expect_wrong(load("--prot", "80", NULL), 2,
               "--prot: there is no such flag; did you mean --port?");
  expect_wrong(load("--queue-ratelimit=5", NULL), 1, "did you mean --queue-rate-limit?");
  expect_wrong(load("--Port=5", NULL), 1, "did you mean --port?");
  expect_wrong(load("--queue_max=5", NULL), 1, "did you mean --queue-max?");
  expect_wrong(load("--", NULL), 1, "no such flag");
  expect_wrong(load("--port-file=x", NULL), 1, "no such flag");
  char longer[300];
  memset(longer, 'x', sizeof longer);
  memcpy(longer, "--", 2);
  longer[sizeof longer - 1] = '\0';
  expect_wrong(load(longer, NULL), 1, "no such flag");
}

Test(config, flags_without_value_and_what_is_no_flag)
{
  expect_wrong(load("--port", NULL), 1, "--port: its value is missing");
  expect_wrong(load("--port", "--host", "::1", NULL), 1, "--port: its value is missing");
  expect_wrong(load("serve", "-p", "--port", "1", NULL), 2, "-p: only flags are expected here");
}

static const struct {
  const char *name, *good, *wrong;
} values[] = {
    {"HOST", "::1", "example.com"},
    {"HOST", "127.8.8.8", "127.0.0"},
    {"HOST", "localhost", "127.0.0.1:80"},
    {"PORT", "0", "65536"},
    {"PORT", "65535", "-1"},
    {"PORT", "1", "0x10"},
    {"PORT", "00080", "80 "},
    {"WORKER_PORT", "off", "on"},
    {"CORS_ORIGINS", "https://a.example, http://b.example:80", "*"},
    {"CORS_ORIGINS", "http://[::1]:3000", "https://a.example/"},
    {"CORS_ORIGINS", " , ", "https://"},
    {"CORS_ORIGINS", "https://a", "https://a,file://b"},
    {"TRUST_PROXY", "10.0.0.1,::1", "10.0.0.300"},
    {"TRUST_PROXY", "10.0.0.1 10.0.0.2", "proxy"},
    {"HTTP_RATE_LIMIT", "off", "1.5"},
    {"HTTP_MAX_PER_ADDRESS", "1000000", "1000001"},
    {"HTTP_MAX_CONNECTIONS", "1", "0"},
    {"DATABASE_URL", "postgres://ox@db/ox", "mysql://db/ox"},
    {"DATABASE_URL", "host=/run/pg dbname=ox", "db"},
    {"REDIS_URL", "unix:///run/redis.sock", "127.0.0.1:6379"},
    {"REDIS_URL", "redis://u:p@h:1/2", "rediss://h"},
    {"REDIS_URL", "redis://h", "redis://"},
    {"REDIS_KEY_PREFIX", "a.B_c-1", "a{b}"},
    {"REDIS_KEY_PREFIX", "abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz0123456"},
    {"QUEUE_CONCURRENCY", "1", "0"},
    {"QUEUE_CONCURRENCY", "1000", "1001"},
    {"QUEUE_RATE_LIMIT", "0", "many"},
    {"QUEUE_RATE_WINDOW_MS", "1", "0"},
    {"QUEUE_ATTEMPTS", "100", "101"},
    {"QUEUE_BACKOFF_MS", "0", "-0"},
    {"QUEUE_LEASE_MS", "100", "99"},
    {"QUEUE_MAX", "1", "99999999999999999999999999"},
    {"QUEUE_MAX_TAKEOVERS", "1", "0"},
    {"JOB_DEADLINE_MS", "100", "10"},
    {"PARK_RECHECK_MS", "604800000", "999"},
    {"BATCH_SIZE", "1000", "1001"},
    {"IDEMPOTENCY_TTL_S", "1", "0"},
    {"CACHE_TTL_S", "0", "1d"},
    {"CACHE_LIST_TTL_S", "off", "OFF"},
    {"CACHE_MAX_MIB", "256", "0"},
    {"QUOTE_DELAY_MS", "0", "-5"},
    {"QUOTE_DELAY_MS", "5-5", "5-"},
    {"SWAP_DELAY_MS", "0-3600000", "0-3600001"},
    {"SWAP_DELAY_MS", "1-2", "2-1"},
    {"SWAP_DELAY_MS", "1-2", "1-2-3"},
    {"SWAP_DELAY_MS", "1-2", "1 - 2"},
    {"DELIVERY_DELAY_MS", "10-20", "10..20"},
    {"ROUTER_LEG_COST_BPS", "10000", "10001"},
    {"VENUE_DEADLINE_MS", "1", "0"},
    {"VENUE_RETRY_PERCENT", "0", "101"},
    {"BREAKER_FAILURES", "1", "101"},
    {"BREAKER_WINDOW_MS", "1", "0"},
    {"BREAKER_OPEN_MS", "1", "0"},
    {"ENDPOINT_THREADS", "1", "0"},
    {"ENDPOINT_DEADLINE_MS", "1", "0"},
    {"LIMIT_MARGIN_BPS", "0", "5001"},
    {"SIM_SEED", "18446744073709551615", "18446744073709551616"},
    {"SIM_SEED", "1", "abc"},
    {"SIM_PROFILE", "realistic", "real"},
    {"SIM_SLOT_MS", "1", "0"},
    {"SIM_TX_SLACK_MS", "0", "3600001"},
    {"SIM_LATE_LANDING_MS", "1", "0"},
    {"SIM_LOOKUP_LAG_MS", "1", "0"},
    {"AUTH", "off", "on"},
    {"JWT_TTL_S", "1", "0"},
    {"LOG_LEVEL", "debug", "trace"},
    {"LOG_LEVEL", "warn", "warning"},
    {"DRAIN_TIMEOUT_MS", "0", "25s"},
};

Test(config, what_each_key_takes_and_refuses)
{
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    setenv(values[i].name, values[i].good, 1);
    expect_good(load(NULL));
    cr_assert_str_eq(config_value(&c, values[i].name) ? config_value(&c, values[i].name)
                                                      : values[i].good,
                     values[i].good);
    setenv(values[i].name, values[i].wrong, 1);
    char start[64];
    snprintf(start, sizeof start, "%s: ", values[i].name);
    expect_wrong(load(NULL), 1, start);
    unsetenv(values[i].name);
  }
}

Test(config, every_key_that_can_be_wrong_was_tried)
{
  static const char *const free_text[] = {
      "EXECUTOR_DIR", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_SECRET", "ROLE", "INSECURE", "NO_MIGRATE"};
  for (size_t i = 0; i < key_count; i++) {
    bool tried = false;
    for (size_t j = 0; j < sizeof values / sizeof values[0]; j++)
      tried |= strcmp(values[j].name, key_table[i].name) == 0;
    for (size_t j = 0; j < sizeof free_text / sizeof free_text[0]; j++)
      tried |= strcmp(free_text[j], key_table[i].name) == 0;
    cr_assert(tried, "%s", key_table[i].name);
  }
}

Test(config, a_range)
{
  expect_good(load("--swap-delay-ms", "10-20", "--quote-delay-ms=7", NULL));
  cr_assert_eq(c.swap_delay_ms.min, 10);
  cr_assert_eq(c.swap_delay_ms.max, 20);
  cr_assert_eq(c.quote_delay_ms.min, 7);
  cr_assert_eq(c.quote_delay_ms.max, 7);
}

Test(config, an_error_says_what_where_and_what_was_expected)
{
  setenv("QUEUE_ATTEMPTS", "0", 1);
  expect_wrong(load(NULL), 1,
               "QUEUE_ATTEMPTS: '0' (from the environment) is wrong, expected a whole number from "
               "1 to 100\n");
  unsetenv("QUEUE_ATTEMPTS");
  write_file(".env", "AUTH=yes");
  expect_wrong(load(NULL), 1, "AUTH: 'yes' (from .env) is wrong, expected off or required\n");
  unlink(".env");
  expect_wrong(load("--role=both", NULL), 1,
               "ROLE: 'both' (from the command line) is wrong, expected all, api or worker\n");
  expect_wrong(load("--quote-delay-ms=a", NULL), 1, "expected N or MIN-MAX milliseconds");
  expect_wrong(load("--worker-port=a", NULL), 1, "from 0 to 65535, or off");
  expect_wrong(load("--sim-seed=a", NULL), 1, "below 2^64");
}

Test(config, all_that_is_wrong_is_named_at_once)
{
  write_file(".env", "this is none\nPORT=abc\n");
  setenv("QUEUE_MAX", "-1", 1);
  expect_wrong(load("--nonsense", "--host=0.0.0.0", "--batch-size=0", NULL), 6,
               ".env, line 1: KEY=value was expected");
  cr_assert_not_null(strstr(errors.data, "PORT: 'abc'"));
  cr_assert_not_null(strstr(errors.data, "QUEUE_MAX: '-1'"));
  cr_assert_not_null(strstr(errors.data, "BATCH_SIZE: '0'"));
  cr_assert_not_null(strstr(errors.data, "--nonsense: "));
  cr_assert_not_null(strstr(errors.data, "HOST: 0.0.0.0"));
}

Test(config, a_seed_is_drawn_and_printed)
{
  expect_good(load(NULL));
  uint64_t first = c.sim_seed;
  cr_assert_neq(first, 0);
  char want[64];
  snprintf(want, sizeof want, "SIM_SEED=%" PRIu64 "\n", first);
  char *text = printed(NULL);
  cr_assert_not_null(strstr(text, want));
  free(text);
  cr_assert_eq(strtoull(config_value(&c, "SIM_SEED"), NULL, 10), first);
  expect_good(load("--sim-seed=0", NULL));
  cr_assert_neq(c.sim_seed, 0);
  cr_assert_neq(c.sim_seed, first);
  expect_good(load("--sim-seed=42", NULL));
  cr_assert_eq(c.sim_seed, 42);
}

/* ── secrets ─────────────────────────────────────────────────────────────────────────────────── */

#define SECRET32 "0123456789abcdef0123456789abcdef"

Test(config, auth_needs_a_secret_that_is_long_enough)
{
  expect_wrong(load("--auth=required", NULL), 1, "JWT_SECRET: AUTH=required needs");
  setenv("JWT_SECRET", "0123456789abcdef0123456789abcde", 1);
  expect_wrong(load("--auth=required", NULL), 1, "expected at least 32 bytes");
  cr_assert_null(strstr(errors.data, "0123"), "it is not shown");
  setenv("JWT_SECRET", SECRET32, 1);
  expect_good(load("--auth=required", NULL));
  cr_assert(c.auth_required);
  cr_assert_str_eq(c.jwt_secret, SECRET32);
}

Test(config, without_auth_only_this_machine)
{
  static const char *const beyond[] = {"0.0.0.0", "::", "192.168.1.1", "128.0.0.1",
                                       "::ffff:127.0.0.1"};
  static const char *const here[] = {"127.0.0.1", "127.255.0.1", "::1", "localhost"};
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    expect_wrong(load("--host", beyond[i], NULL), 1, "can be reached from other machines");
    expect_good(load("--host", beyond[i], "--insecure", NULL));
    setenv("JWT_SECRET", SECRET32, 1);
    expect_good(load("--host", beyond[i], "--auth", "required", NULL));
    unsetenv("JWT_SECRET");
  }
  for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
    expect_good(load("--host", here[i], NULL));
}

Test(config, secrets_from_files)
{
  write_file("secret", SECRET32 "\r\n");
  write_file("url", "postgresql://ox:hidden@db/ox\n");
  setenv("JWT_SECRET_FILE", "secret", 1);
  write_file(".env", "DATABASE_URL_FILE=url\n");
  expect_good(load("--redis-url-file=secret", "--redis-url-file=", "--auth=required", NULL));
  cr_assert_str_eq(c.jwt_secret, SECRET32);
  cr_assert_str_eq(c.database_url, "postgresql://ox:hidden@db/ox");
  expect_good(load("--database-url=postgresql://x/y", NULL));
  cr_assert_str_eq(c.database_url, "postgresql://x/y", "a value of a better source counts");
}

Test(config, secret_files_that_are_wrong)
{
  setenv("JWT_SECRET_FILE", "missing", 1);
  expect_wrong(load(NULL), 1, "JWT_SECRET_FILE: cannot read 'missing': No such file or directory");
  mkdir("secret", 0700);
  setenv("JWT_SECRET_FILE", "secret", 1);
  expect_wrong(load(NULL), 1, "Is a directory");
  rmdir("secret");
  FILE *f = fopen("secret", "w");
  fwrite("a\0b", 1, 3, f);
  fclose(f);
  expect_wrong(load(NULL), 1, "it is not text");
  f = fopen("secret", "w");
  for (int i = 0; i < 65537; i++) fputc('x', f);
  fclose(f);
  expect_wrong(load(NULL), 1, "it is over 64 KiB");
  write_file("secret", "short");
  expect_wrong(load(NULL), 1, "expected at least 32 bytes");
  write_file("secret", SECRET32);
  setenv("JWT_SECRET", SECRET32, 1);
  expect_wrong(load(NULL), 1, "JWT_SECRET and JWT_SECRET_FILE are both set in the environment");
}

Test(config, only_secrets_come_from_files)
{
  setenv("PORT_FILE", "missing", 1);
  write_file(".env", "HOST_FILE=missing\n");
  expect_good(load(NULL));
  cr_assert_eq(c.port, 3000);
}

Test(config, printing_hides_secrets)
{
  setenv("JWT_SECRET", SECRET32, 1);
  static const struct {
    const char *url, *shown;
  } cases[] = {
      {"postgresql://ox:pw@db:5432/ox", "postgresql://ox:***@db:5432/ox"},
      {"postgresql://ox:p@w:x/y?z#@db/ox", "postgresql://ox:***@db/ox"},
      {"postgresql://ox@db:5432/ox", "postgresql://ox@db:5432/ox"},
      {"postgresql://db/ox", "postgresql://db/ox"},
      {"postgresql://db/ox?password=pw", "***"},
      {"postgresql://db/ox?user=a&PASSWORD=pw", "***"},
      {"host=db password=pw", "***"},
      {"host=db", "***"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    setenv("DATABASE_URL", cases[i].url, 1);
    setenv("REDIS_URL", "redis://:pw@h:1", 1);
    expect_good(load(NULL));
    char *text = printed(NULL), want[128];
    snprintf(want, sizeof want, "\nDATABASE_URL=%s\n", cases[i].shown);
    cr_assert_not_null(strstr(text, want), "%s in %s", want, text);
    cr_assert_not_null(strstr(text, "\nREDIS_URL=redis://:***@h:1\n"));
    cr_assert_not_null(strstr(text, "\nJWT_SECRET=***\n"));
    cr_assert_null(strstr(text, SECRET32));
    free(text);
  }
  unsetenv("JWT_SECRET");
  expect_good(load(NULL));
  char *text = printed(NULL);
  cr_assert_not_null(strstr(text, "\nJWT_SECRET=\n"), "none is shown as none");
  free(text);
}

Test(config, a_wrong_url_is_not_shown)
{
  setenv("DATABASE_URL", "mysql://ox:hidden@db/ox", 1);
  expect_wrong(load(NULL), 1, "DATABASE_URL: (from the environment) is wrong");
  cr_assert_null(strstr(errors.data, "hidden"));
  char *text = printed(NULL);
  cr_assert_null(strstr(text, "hidden"), "what is wrong can still be printed");
  free(text);
}

Test(config, what_plugins_may_read)
{
  setenv("JWT_SECRET", SECRET32, 1);
  expect_good(load("--database-url=postgresql://ox:pw@db/ox", "--port=0", NULL));
  cr_assert_str_eq(config_value(&c, "PORT"), "0");
  cr_assert_str_eq(config_value(&c, "SWAP_DELAY_MS"), "2000-3000");
  cr_assert_str_eq(config_value(&c, "DATABASE_URL"), "postgresql://ox:pw@db/ox");
  cr_assert_null(config_value(&c, "JWT_SECRET"));
  cr_assert_null(config_value(&c, "JWT_SECRET_FILE"));
  cr_assert_null(config_value(&c, "DATABASE_URL_FILE"));
  cr_assert_null(config_value(&c, "REDIS_URL"));
  cr_assert_null(config_value(&c, "PATH"));
  cr_assert_null(config_value(&c, ""));
  struct config by_hand = {.port = 1};
  cr_assert_null(config_value(&by_hand, "PORT"));
}

Test(config, every_key_is_printed_and_in_the_help)
{
  expect_good(load(NULL));
  char *values_text = printed(NULL), *help = printed(config_help);
  for (size_t i = 0; i < key_count; i++) {
    char flag[KEY_FLAG_MAX], line[96];
    key_flag(&key_table[i], flag);
    cr_assert_not_null(strstr(help, flag), "%s", flag);
    cr_assert_not_null(strstr(help, key_table[i].help));
    snprintf(line, sizeof line, "%s%s=", i ? "\n" : "", key_table[i].name);
    cr_assert_not_null(strstr(values_text, line), "%s", line);
  }
  free(values_text);
  free(help);
}
