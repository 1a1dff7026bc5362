/* process.c - see process.h. What cannot be read is left as it was. */
#include "metrics/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics/metrics.h"

enum { STAT_MAX = 1024, STARTED_FIELD = 22, VIRTUAL_FIELD, RESIDENT_FIELD };

/* Field n of /proc/self/stat, counted from 1 as in proc(5); the name of the program, the second,
 * may have blanks and ends with the last bracket. */
static int64_t stat_field(const char *stat, int n)
{
  const char *at = strrchr(stat, ')');
  int64_t value = -1;
  for (int field = 2; at && field < n; field++) at = strchr(at + 1, ' ');
  if (!at || sscanf(at, "%" SCNd64, &value) != 1) return -1;
  return value;
}

static void set_field(enum metric m, const char *stat, int n, int64_t unit)
{
  int64_t value = stat_field(stat, n);
  if (value >= 0) metrics_set(m, value * unit);
}

/* Its start in µs of Unix time: looked at once, for the clock may be set. */
static int64_t started_us(const char *stat)
{
  static _Atomic int64_t known;
  struct timespec now, up;
  int64_t ticks = stat_field(stat, STARTED_FIELD);
  if (known || ticks < 0) return known;
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_BOOTTIME, &up);
  int64_t boot_us = (now.tv_sec - up.tv_sec) * 1000000 + (now.tv_nsec - up.tv_nsec) / 1000;
  known = boot_us + ticks * 1000000 / sysconf(_SC_CLK_TCK);
  return known;
}

static void measure_memory(void)
{
  char stat[STAT_MAX];
  FILE *file = fopen("/proc/self/stat", "r");
  if (!file) return;
  size_t len = fread(stat, 1, sizeof stat - 1, file);
  fclose(file);
  stat[len] = '\0';
  set_field(METRIC_VIRTUAL, stat, VIRTUAL_FIELD, 1);
  set_field(METRIC_RESIDENT, stat, RESIDENT_FIELD, sysconf(_SC_PAGESIZE));
  int64_t started = started_us(stat);
  if (started > 0) metrics_set(METRIC_STARTED, started);
}

static int64_t us_of(struct timeval t)
{
  return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void measure_cpu(void)
{
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) == 0)
    metrics_set(METRIC_CPU, us_of(used.ru_utime) + us_of(used.ru_stime));
}

static void measure_fds(void)
{
  struct rlimit limit;
  DIR *dir = opendir("/proc/self/fd");
  int64_t n = -3; /* ".", "..", and the one that reads them */
  if (dir) {
    while (readdir(dir)) n++;
    closedir(dir);
    metrics_set(METRIC_OPEN_FDS, n);
  }
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metrics_set(METRIC_MAX_FDS, (int64_t)limit.rlim_cur);
}

void process_measure(void)
{
  measure_memory();
  measure_cpu();
  measure_fds();
}
