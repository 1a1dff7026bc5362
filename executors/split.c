/*
 * split.c - the best split of an amount over two pools; see split.h. Pure.
 */
#include "split.h"

#include "real.h"

enum { STEPS_MAX = 32 };

static const uint64_t amount_max = INT64_MAX;

/* Of a pool of bins: a bin, and what filling the ones before it takes and gives. */
struct edge {
  uint64_t in;
  struct fill before;
  struct meteora_bin bin;
};

/* One leg as a function of its input. Between two edges the fee is rounded up once. */
struct curve {
  const struct pool *pool;
  bool x_to_y;
  uint64_t fee_rate, fee_unit;
  struct meteora_walk walk; /* through bins */
  bool complete;            /* no bin is left to add */
  size_t n_edges;
  struct edge edges[METEORA_BINS_MAX + 2];
};

struct search {
  struct curve a, b;
  uint64_t amount;
  bool found;
  uint64_t best_a, best_out; /* what leg a gets, and what both fetch then */
};

/* ── curves ──────────────────────────────────────────────────────────────────────────────────── */

static void curve_init(struct curve *c, const struct split_leg *leg)
{
  c->pool = leg->pool;
  c->x_to_y = leg->x_to_y;
  c->edges[0] = (struct edge){0};
  c->n_edges = 1;
  c->complete = leg->pool->kind == POOL_CONSTANT_PRODUCT;
  c->fee_rate = c->complete ? leg->pool->raydium.fee_ppm : leg->pool->meteora.fee_ppb;
  c->fee_unit = c->complete ? 1000000 : 1000000000;
  if (!c->complete) meteora_walk_init(&c->walk, &leg->pool->meteora, leg->x_to_y);
  if (c->complete) c->edges[c->n_edges++] = (struct edge){.in = amount_max};
}

static const struct edge *last_edge(const struct curve *c)
{
  return &c->edges[c->n_edges - 1];
}

static void add_bin(struct curve *c)
{
  uint32_t after = (uint32_t)c->n_edges - 1;
  struct edge *edge = &c->edges[after];
  uint64_t left = amount_max - edge->in;
  struct fill fill = edge->before;
  edge->bin = meteora_bin(&c->walk, after);
  uint64_t taken = meteora_bin_swap(&edge->bin, left, &fill);
  c->edges[c->n_edges++] = (struct edge){.in = edge->in + taken, .before = fill};
  c->complete = taken == left || after == c->pool->meteora.bins;
}

/* The edge before the unit number in > 0; the last edge: so much does not go in. */
static size_t edge_before(struct curve *c, uint64_t in)
{
  while (!c->complete && last_edge(c)->in < in) add_bin(c);
  if (last_edge(c)->in < in) return c->n_edges - 1;
  size_t low = 0, high = c->n_edges - 1;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (c->edges[middle].in < in)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* False: so much it cannot fill, or for nothing. Of bins the impact is left out. */
static bool curve_fill(struct curve *c, uint64_t in, struct fill *fill)
{
  *fill = (struct fill){0};
  if (in == 0) return true;
  if (c->pool->kind == POOL_CONSTANT_PRODUCT)
    return raydium_swap(&c->pool->raydium, c->x_to_y, in, fill);
  const struct edge *edge = &c->edges[edge_before(c, in)];
  if (edge == last_edge(c)) return false;
  *fill = edge->before;
  meteora_bin_swap(&edge->bin, in - edge->in, fill);
  return fill->out_amount > 0;
}

/* The last input before the fee's unit number fees + 1, counted from an edge. */
static uint64_t step_end(const struct curve *c, uint64_t fees)
{
  return (uint64_t)((u128)fees * c->fee_unit / c->fee_rate);
}

/* The inputs that may be best are the steps: the last ones before the fee's next unit, and around
 * a bin's edge, where the last unit may be worth less than any, the edge and the one before it. */

/* The next step above in; in itself: there is none. */
static uint64_t step_up(struct curve *c, uint64_t in)
{
  size_t i = edge_before(c, in + 1);
  if (i == c->n_edges - 1) return in;
  uint64_t edge = c->edges[i + 1].in, off = in - c->edges[i].in;
  if (in + 1 == edge) return edge;
  if (c->fee_rate == 0) return edge - 1;
  uint64_t end = step_end(c, (uint64_t)div_ceil((u128)(off + 1) * c->fee_rate, c->fee_unit));
  return end < edge - 1 - c->edges[i].in ? c->edges[i].in + end : edge - 1;
}

/* The next one below in > 0. */
static uint64_t step_down(struct curve *c, uint64_t in)
{
  size_t i = edge_before(c, in);
  if (i == c->n_edges - 1) return c->edges[i].in;
  if (in == c->edges[i + 1].in) return in - 1;
  if (c->fee_rate == 0) return c->edges[i].in;
  uint64_t off = in - c->edges[i].in;
  return c->edges[i].in + step_end(c, (uint64_t)div_ceil((u128)off * c->fee_rate, c->fee_unit) - 1);
}

/* ── the closed forms ────────────────────────────────────────────────────────────────────────── */

/* What is left of one unit after the fee. */
static struct real kept(const struct curve *c)
{
  return real_div(real_of(c->fee_unit - c->fee_rate), real_of(c->fee_unit));
}

static struct real reserve_in(const struct curve *c)
{
  return real_of(c->x_to_y ? c->pool->raydium.x : c->pool->raydium.y);
}

static struct real product(const struct curve *c)
{
  return real_of((u128)c->pool->raydium.x * c->pool->raydium.y);
}

/* Between two constant-product pools. */
static uint64_t meet_product(const struct search *s, bool with_fees)
{
  struct real g1 = kept(&s->a), g2 = kept(&s->b), s1 = product(&s->a), s2 = product(&s->b);
  if (with_fees) s1 = real_mul(g1, s1), s2 = real_mul(g2, s2);
  s1 = real_sqrt(s1), s2 = real_sqrt(s2);
  struct real all = real_add(reserve_in(&s->b), real_mul(g2, real_of(s->amount)));
  struct real over = real_sub(real_mul(s1, all), real_mul(s2, reserve_in(&s->a)));
  struct real under = real_add(real_mul(s2, g1), real_mul(s1, g2));
  return real_floor(real_div(over, under), s->amount);
}

/* What a gets until its marginal price is that of the bin. */
static uint64_t until_bin(const struct search *s, const struct meteora_bin *bin, bool with_fees)
{
  const struct real one = real_of((u128)1 << 64), p = real_of(bin->price);
  struct real price = bin->x_to_y ? real_div(p, one) : real_div(one, p);
  struct real x = product(&s->a);
  if (with_fees) x = real_div(real_mul(x, kept(&s->a)), kept(&s->b));
  x = real_sqrt(real_div(x, price));
  return real_floor(real_div(real_sub(x, reserve_in(&s->a)), kept(&s->a)), s->amount);
}

static bool has_bin(struct curve *c, size_t i)
{
  while (!c->complete && c->n_edges < i + 2) add_bin(c);
  return i + 1 < c->n_edges;
}

/* Whether the amount is used up by the end of this bin of b. */
static bool ends_by(const struct search *s, size_t i, bool with_fees)
{
  const struct edge *edge = &s->b.edges[i];
  if (edge[1].in >= s->amount) return true;
  return until_bin(s, &edge->bin, with_fees) + edge[1].in >= s->amount;
}

/* Between a constant-product pool, a, and bins: the first bin it ends by is looked for in strides
 * that double, and then between the last two. */
static uint64_t meet_bins(struct search *s, bool with_fees)
{
  size_t low = 0, high = 0;
  while (has_bin(&s->b, high) && !ends_by(s, high, with_fees)) {
    low = high + 1;
    high = 2 * high + 1;
  }
  size_t n_bins = s->b.n_edges - 1;
  if (high > n_bins) high = n_bins;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (ends_by(s, middle, with_fees))
      high = middle;
    else
      low = middle + 1;
  }
  const struct edge *edge = &s->b.edges[high];
  if (edge->in >= s->amount) return 0;
  if (high == n_bins) return s->amount - edge->in;
  uint64_t a = until_bin(s, &edge->bin, with_fees);
  return a + edge->in >= s->amount ? s->amount - edge->in : a;
}

static uint64_t meet(struct search *s, bool with_fees)
{
  return s->b.pool->kind == POOL_BINS ? meet_bins(s, with_fees) : meet_product(s, with_fees);
}

/* ── whole units ─────────────────────────────────────────────────────────────────────────────── */

static void try(struct search *s, uint64_t a)
{
  struct fill of_a, of_b;
  if (a > s->amount || !curve_fill(&s->a, a, &of_a) || !curve_fill(&s->b, s->amount - a, &of_b))
    return;
  uint64_t out = of_a.out_amount + of_b.out_amount;
  if (s->found && out <= s->best_out) return;
  s->found = true;
  s->best_a = a;
  s->best_out = out;
}

static void try_around(struct search *s, uint64_t a)
{
  enum { NEAR = 2 };
  for (uint64_t by = 0; by <= NEAR; by++) {
    try(s, a + by);
    if (by <= a) try(s, a - by);
  }
}

/* Gives one curve in, and then so much that the other one, too, ends at a step. */
static void try_step(struct search *s, struct curve *c, uint64_t in)
{
  struct curve *other = c == &s->a ? &s->b : &s->a;
  uint64_t rest = s->amount - in;
  uint64_t rests[] = {rest, rest, rest};
  if (rest > 0) rests[1] = step_down(other, rest);
  rests[2] = step_up(other, rests[1]);
  for (int i = 0; i < 3; i++) try(s, c == &s->a ? s->amount - rests[i] : rests[i]);
}

/* The steps of one curve from an input on, no further away than far. */
static void try_steps(struct search *s, struct curve *c, uint64_t from, uint64_t far)
{
  uint64_t up = from, down = from;
  for (int i = 0; i < STEPS_MAX && up < s->amount; i++) {
    uint64_t next = step_up(c, up);
    if (next == up || next - from > far || next > s->amount) break;
    try_step(s, c, up = next);
  }
  for (int i = 0; i < STEPS_MAX && down > 0; i++) {
    uint64_t next = step_down(c, down);
    if (from - next > far) break;
    try_step(s, c, down = next);
  }
}

/* Filling a bin to its edge costs up to two units of rounding, which leaving a little of it saves:
 * so the last edges below b's best input are looked at as well, if a's price, which falls with the
 * square of the way there, does not say at once that it is too far. */
static void try_edges(struct search *s, uint64_t b, uint64_t far)
{
  enum { EDGES = 3 };
  const struct raydium_pool *pool = &s->a.pool->raydium;
  u128 depth = (u128)(s->a.x_to_y ? pool->x : pool->y) + s->amount;
  size_t i = b > 0 ? edge_before(&s->b, b) : 0;
  for (int n = 0; n < EDGES && i > 0; n++, i--) {
    uint64_t edge = s->b.edges[i].in;
    if ((u128)(b - edge) * (b - edge) > 4 * depth) break;
    try_steps(s, &s->a, s->amount - edge, far);
    try_steps(s, &s->b, edge, far);
  }
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
  while (b > 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* After so many units both fees' steps repeat. */
static uint64_t repetition(const struct curve *a, const struct curve *b)
{
  uint64_t of_a = a->fee_unit / gcd(a->fee_unit, a->fee_rate);
  uint64_t of_b = b->fee_unit / gcd(b->fee_unit, b->fee_rate);
  return of_a / gcd(of_a, of_b) * of_b;
}

static void give_leg(struct curve *c, uint64_t in, struct split *best, int leg)
{
  best->in_amount[leg] = in;
  curve_fill(c, in, &best->fill[leg]);
  if (in > 0 && c->pool->kind == POOL_BINS)
    best->fill[leg].impact_bps = meteora_impact_bps(&c->edges[0].bin, in, &best->fill[leg]);
}

bool split_best(const struct split_leg legs[2], uint64_t amount, struct split *best)
{
  struct search s;
  int bins_first = legs[0].pool->kind == POOL_BINS;
  bool both_bins = bins_first && legs[1].pool->kind == POOL_BINS;
  curve_init(&s.a, &legs[bins_first]);
  curve_init(&s.b, &legs[!bins_first]);
  s.amount = amount;
  s.found = false;
  try(&s, bins_first ? 0 : amount);
  try(&s, bins_first ? amount : 0);
  if (!both_bins) {
    uint64_t a = meet(&s, true), far = repetition(&s.a, &s.b);
    try_around(&s, a);
    try_around(&s, meet(&s, false));
    try_steps(&s, &s.a, a, far);
    try_steps(&s, &s.b, amount - a, far);
    try_edges(&s, amount - a, far);
  }
  if (!s.found) return false;
  give_leg(&s.a, s.best_a, best, bins_first);
  give_leg(&s.b, amount - s.best_a, best, !bins_first);
  return true;
}
