/*
 * ulid.c - identifiers. Making one takes a lock, since the whole process shares one sequence;
 * everything else is pure. Any thread.
 *
 * DESIGN: a new millisecond takes fresh randomness; within one, and when the clock stands still or
 * goes back, the last id is incremented as a 128-bit number. Entropy is fetched a block at a time,
 * so that an id does not cost a system call. A child after fork() must exec before making ids: it
 * would repeat its parent's.
 */
#include "base/ulid.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

enum { TIME_BYTES = 6, RANDOM_BYTES = 10, POOL_IDS = 64 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char order_prefix[] = "ord_";

static struct {
  pthread_mutex_t lock;
  struct ulid last;
  uint8_t pool[POOL_IDS * RANDOM_BYTES];
  size_t pool_left;
} sequence = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fill_pool(void)
{
  size_t have = 0;
  while (have < sizeof sequence.pool) {
    ssize_t got = getrandom(sequence.pool + have, sizeof sequence.pool - have, 0);
    assert(got > 0 || errno == EINTR);
    if (got > 0) have += (size_t)got;
  }
  sequence.pool_left = sizeof sequence.pool;
}

static void take_random(uint8_t out[RANDOM_BYTES])
{
  if (sequence.pool_left < RANDOM_BYTES) fill_pool();
  sequence.pool_left -= RANDOM_BYTES;
  memcpy(out, sequence.pool + sequence.pool_left, RANDOM_BYTES);
}

static void increment(struct ulid *id)
{
  for (int i = 15; i >= 0 && ++id->bytes[i] == 0; i--) continue;
}

struct ulid ulid_make(void)
{
  struct ulid id;
  int64_t ms = clock_unix_ms();
  for (int i = 0; i < TIME_BYTES; i++) id.bytes[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i));

  pthread_mutex_lock(&sequence.lock);
  if (memcmp(id.bytes, sequence.last.bytes, TIME_BYTES) > 0) {
    take_random(id.bytes + TIME_BYTES);
    sequence.last = id;
  } else {
    increment(&sequence.last);
    id = sequence.last;
  }
  pthread_mutex_unlock(&sequence.lock);
  return id;
}

/* The low 60 bits as twelve characters. */
static void format_half(uint64_t bits, char out[12])
{
  for (int o = 12; o-- > 0; bits >>= 5) out[o] = alphabet[bits & 31];
}

/* 26 characters of 5 bits for 128: the first has three of them. */
void ulid_format(const struct ulid *id, char out[ULID_LEN + 1])
{
  uint64_t high, low;
  memcpy(&high, id->bytes, sizeof high);
  memcpy(&low, id->bytes + sizeof high, sizeof low);
  high = be64toh(high);
  low = be64toh(low);
  out[0] = alphabet[high >> 61];
  out[1] = alphabet[high >> 56 & 31];
  format_half(high << 4 | low >> 60, out + 2);
  format_half(low, out + 14);
  out[ULID_LEN] = '\0';
}

/* The value of each character plus one, so that 0 is "none". I, L, O and U are not in the alphabet
 * and, for an id to have one spelling only, are not read as 1, 1, 0 either. */
static const uint8_t value_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['G'] = 17, ['H'] = 18, ['J'] = 19, ['K'] = 20, ['M'] = 21, ['N'] = 22, ['P'] = 23, ['Q'] = 24,
    ['R'] = 25, ['S'] = 26, ['T'] = 27, ['V'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31, ['Z'] = 32,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['g'] = 17, ['h'] = 18,
    ['j'] = 19, ['k'] = 20, ['m'] = 21, ['n'] = 22, ['p'] = 23, ['q'] = 24, ['r'] = 25, ['s'] = 26,
    ['t'] = 27, ['v'] = 28, ['w'] = 29, ['x'] = 30, ['y'] = 31, ['z'] = 32,
};

bool ulid_parse(const char *text, size_t len, struct ulid *out)
{
  if (len != ULID_LEN || text[0] < '0' || text[0] > '7') return false; /* above: over 128 bits */
  struct ulid id;
  unsigned bits = 0, n_bits = 0;
  for (size_t i = 0, o = 0; i < ULID_LEN; i++) {
    unsigned value = value_of[(uint8_t)text[i]];
    if (value == 0) return false;
    bits = bits << 5 | (value - 1);
    n_bits += i == 0 ? 3 : 5;
    if (n_bits < 8) continue;
    n_bits -= 8;
    id.bytes[o++] = (uint8_t)(bits >> n_bits);
  }
  *out = id;
  return true;
}

int ulid_compare(const struct ulid *a, const struct ulid *b)
{
  return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

void ulid_format_order(const struct ulid *id, char out[ULID_ORDER_LEN + 1])
{
  memcpy(out, order_prefix, 4);
  ulid_format(id, out + 4);
}

bool ulid_parse_order(const char *text, size_t len, struct ulid *out)
{
  if (len != ULID_ORDER_LEN || memcmp(text, order_prefix, 4) != 0) return false;
  return ulid_parse(text + 4, len - 4, out);
}
