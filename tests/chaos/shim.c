/*
 * shim.c - preloaded into the servers of the chaos tests: a disk that is full, and a clock that is
 * wrong, by what the file SHIM_FILE says: "OFFSET_MS FULL". It is mapped, so that a change is seen
 * at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *state;

__attribute__((constructor)) static void map_state(void)
{
  const char *path = getenv("SHIM_FILE");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *at = fd >= 0 ? mmap(NULL, 64, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (at != MAP_FAILED) state = at;
  if (fd >= 0) close(fd);
}

static long offset_ms(void)
{
  return state ? strtol(state, NULL, 10) : 0;
}

static int full(int fd)
{
  struct stat st;
  char *rest;
  if (!state || fd <= 2) return 0;
  (void)strtol(state, &rest, 10);
  if (strtol(rest, NULL, 10) == 0) return 0;
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITER(result, name, params, args)                                                         \
  result name params                                                                               \
  {                                                                                                \
    static __typeof__(&name) real;                                                                 \
    if (!real) real = REAL(name);                                                                  \
    if (!full(fd)) return real args;                                                               \
    errno = ENOSPC;                                                                                \
    return -1;                                                                                     \
  }

WRITER(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRITER(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRITER(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
WRITER(int, ftruncate, (int fd, off_t size), (fd, size))

int posix_fallocate(int fd, off_t at, off_t n)
{
  static int (*real)(int, off_t, off_t);
  if (!real) real = REAL(posix_fallocate);
  return full(fd) ? ENOSPC : real(fd, at, n);
}

/* The names that programs with large files use. */
ssize_t pwrite64(int, const void *, size_t, off64_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off64_t) __attribute__((alias("pwritev")));
int ftruncate64(int, off64_t) __attribute__((alias("ftruncate")));
int posix_fallocate64(int, off64_t, off64_t) __attribute__((alias("posix_fallocate")));

int clock_gettime(clockid_t id, struct timespec *now)
{
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = REAL(clock_gettime);
  int failed = real(id, now);
  if (failed || id != CLOCK_REALTIME || offset_ms() == 0) return failed;
  long ms = offset_ms(), ns = now->tv_nsec + ms % 1000 * 1000000;
  now->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
  now->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
  struct timespec t;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &t);
  now->tv_sec = t.tv_sec;
  now->tv_usec = t.tv_nsec / 1000;
  return 0;
}
