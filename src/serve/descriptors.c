/* descriptors.c - see descriptors.h. */
#include "serve/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"

enum {
  OWN = 40,         /* two dozen are open at rest; the rest is for plugins and reconnecting */
  REFUSED_MAX = 64, /* at a time */
  PLENTY = 1 << 30, /* as good as no limit */
};

struct connection_room descriptors_room(int64_t limit, int64_t wanted)
{
  int64_t room = limit > OWN ? limit - OWN : 1;
  int64_t refused = room / 8 + 1 < REFUSED_MAX ? room / 8 + 1 : REFUSED_MAX;
  int64_t connections = room - refused > 1 ? room - refused : 1;
  return (struct connection_room){connections < wanted ? connections : wanted, refused};
}

struct connection_room descriptors_reserve(int64_t wanted)
{
  const rlim_t need = (rlim_t)(wanted + REFUSED_MAX + OWN);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return descriptors_room((int64_t)need, wanted);
  rlim_t had = limit.rlim_cur;
  if (had < need) {
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      LOG_DEBUG("the limit of descriptors stays", LOG_STR("reason", strerror(errno)));
      limit.rlim_cur = had;
    }
  }
  int64_t most = limit.rlim_cur < PLENTY ? (int64_t)limit.rlim_cur : PLENTY;
  struct connection_room room = descriptors_room(most, wanted);
  if (room.connections < wanted)
    LOG_WARN("the limit of descriptors leaves room for fewer connections", LOG_INT("limit", most),
             LOG_INT("connections", room.connections), LOG_INT("HTTP_MAX_CONNECTIONS", wanted));
  return room;
}
