/* Dead letters on a real PostgreSQL: listed, placed anew once, and refused when they may have
 * landed. */
#include "journal/redrive.h"

#include "journal_kit.h"
#include "store/dead_letters.h"

static struct kit k;
static struct reader *reader;

static void open_kit(void)
{
  kit_open(&k);
  reader = reader_create(&k.loop, k.url);
  kit_until(&k, reader_up(reader));
}

static void close_kit(void)
{
  reader_destroy(reader, NULL, NULL);
  kit_close(&k);
}

TestSuite(redrive, .init = open_kit, .fini = close_kit, .timeout = 60);

struct redriven {
  int calls;
  enum redrive_result result;
  struct journal_redriven it;
};

static void on_redriven(void *arg, enum redrive_result result, const struct journal_redriven *it)
{
  struct redriven *r = arg;
  r->calls++;
  r->result = result;
  if (it) r->it = *it;
}

static struct redriven redrive(const struct ulid *id)
{
  struct redriven r = {0};
  kit_until(&k, journal_redrive(k.journal, id, on_redriven, &r) == ST_OK);
  kit_until(&k, r.calls);
  return r;
}

static struct ulid dead_letter_with(const char *error)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  struct journal_entry *e = kit_entry(&job, "broken");
  e->data = mem_strdup("{}");
  e->error = mem_strdup(error);
  journal_post(k.journal, e);
  kit_until(&k, job.ok == 1);
  return id;
}

static struct ulid dead_letter(void)
{
  return dead_letter_with("{\"code\":\"X\",\"outcome\":\"none\"}");
}

Test(redrive, a_new_order_with_the_same_content)
{
  struct ulid id = dead_letter();
  struct redriven r = redrive(&id);
  cr_assert_eq(r.result, REDRIVE_DONE);
  cr_assert_str_eq(r.it.status, "new");
  cr_assert_eq(ulid_compare(&r.it.redrive_of, &id), 0);
  cr_assert_lt(llabs(r.it.created_at_ms - clock_unix_ms()), 60000);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', tenant, type, status, phase, attempt, ver,"
                            " payload) FROM orders WHERE order_id = '%s'",
                            &r.it.id),
                   "default|kit|new|0|1|1|{\"a\":1}");
  cr_assert_str_eq(
      kit_sqlf(&k, "SELECT count(*) FROM order_events WHERE order_id = '%s'", &r.it.id), "1");
  cr_assert_str_eq(kit_sqlf(&k, "SELECT status FROM orders WHERE order_id = '%s'", &id), "broken");
  struct kit_job job;
  kit_hold(&k, &r.it.id, &job);
}

Test(redrive, once_however_often_it_is_asked_for)
{
  struct ulid id = dead_letter();
  struct redriven r[5];
  memset(r, 0, sizeof r);
  for (int i = 0; i < 5; i++)
    cr_assert_eq(journal_redrive(k.journal, &id, on_redriven, &r[i]), ST_OK);
  int done = 0;
  for (int i = 0; i < 5; i++) {
    kit_until(&k, r[i].calls);
    done += r[i].result == REDRIVE_DONE;
    cr_assert(r[i].result == REDRIVE_DONE || r[i].result == REDRIVE_AGAIN);
    cr_assert_eq(ulid_compare(&r[i].it.id, &r[0].it.id), 0);
    cr_assert_eq(r[i].it.created_at_ms, r[0].it.created_at_ms);
  }
  cr_assert_eq(done, 1);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "2");
}

Test(redrive, what_may_have_landed_is_refused)
{
  struct ulid unknown = dead_letter_with("{\"code\":\"X\",\"outcome\":\"unknown\"}"),
              said = dead_letter_with("{\"code\":\"X\",\"outcome\":\"landed\"}"),
              filled = kit_accept(&k), fine = dead_letter_with("{\"code\":\"X\"}");
  struct kit_job job;
  kit_hold(&k, &filled, &job);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  journal_post(k.journal, kit_settle(&job, JOURNAL_LANDED));
  kit_emit(&k, &job, "broken", NULL);
  kit_until(&k, job.ok == 3);
  cr_assert_eq(redrive(&unknown).result, REDRIVE_MAYBE_LANDED);
  cr_assert_eq(redrive(&said).result, REDRIVE_MAYBE_LANDED);
  cr_assert_eq(redrive(&filled).result, REDRIVE_MAYBE_LANDED);
  cr_assert_eq(redrive(&fine).result, REDRIVE_DONE);
}

Test(redrive, what_is_no_dead_letter)
{
  struct ulid waiting = kit_accept(&k), nobody = ulid_make(), cancelled = kit_accept(&k),
              bygone = dead_letter();
  kit_cancel(&k, &cancelled);
  kit_sqlf(&k, "UPDATE orders SET type = 'bygone' WHERE order_id = '%s'", &bygone);
  cr_assert_eq(redrive(&waiting).result, REDRIVE_NOT_FAILED);
  cr_assert_eq(redrive(&cancelled).result, REDRIVE_NOT_FAILED);
  cr_assert_eq(redrive(&nobody).result, REDRIVE_UNKNOWN_ORDER);
  cr_assert_eq(redrive(&bygone).result, REDRIVE_UNKNOWN_TYPE);
}

/* ── all ────────────────────────────────────────────────────────────────────────────────────── */

struct all {
  int calls;
  enum status status;
  int64_t n, refused;
};

static void on_all(void *arg, enum status status, int64_t n, int64_t refused)
{
  struct all *a = arg;
  a->calls++;
  a->status = status;
  a->n = n;
  a->refused = refused;
}

static struct all redrive_all(void)
{
  struct all a = {0};
  kit_until(&k, journal_redrive_all(k.journal, on_all, &a) == ST_OK);
  kit_until(&k, a.calls);
  return a;
}

/* Dead letters by the short way: n of them, each third with an unknown outcome. */
static void many_dead_letters(int n)
{
  char sql[512];
  snprintf(
      sql, sizeof sql,
      "WITH o AS (INSERT INTO orders (order_id, tenant, type, status, phase, ver, payload, error,"
      " created_at, updated_at, completed_at) SELECT gen_random_uuid(), 'default', 'kit',"
      " 'broken', 3, 2, '{}', CASE i %% 3 WHEN 0 THEN '{\"outcome\":\"unknown\"}'::json END,"
      " now(), now(), now() FROM generate_series(1, %d) i RETURNING order_id)"
      " INSERT INTO steps (order_id, step, seq, status, phase, attempt, at, data)"
      " SELECT order_id, 1, 2, 'broken', 3, 1, now(), '{}' FROM o",
      n);
  kit_sql(&k, sql);
  /* random ids are not of the past: let them be */
  kit_sql(&k, "UPDATE steps SET order_id = ('00' || substr(order_id::text, 3))::uuid");
  kit_sql(&k, "UPDATE orders SET order_id = ('00' || substr(order_id::text, 3))::uuid");
}

Test(redrive, all_in_pages_and_what_is_refused_stays)
{
  many_dead_letters(900);
  struct all a = redrive_all();
  cr_assert(a.status == ST_OK && a.n == 600 && a.refused == 300, "%lld %lld", (long long)a.n,
            (long long)a.refused);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders WHERE redrive_of IS NOT NULL"), "600");
  a = redrive_all();
  cr_assert(a.status == ST_OK && a.n == 0 && a.refused == 300);
  struct all first = {0}, second = {0};
  cr_assert_eq(journal_redrive_all(k.journal, on_all, &first), ST_OK);
  cr_assert_eq(journal_redrive_all(k.journal, on_all, &second), ST_BUSY);
  kit_until(&k, first.calls);
}

static void kill_backends(void)
{
  kit_terminate(&k, "ox journal");
}

Test(redrive, under_broken_connections)
{
  many_dead_letters(900);
  struct all a = {0};
  for (int round = 0; a.status != ST_OK || !a.calls; round++) {
    a.calls = 0;
    cr_assert_lt(round, 100);
    kit_until(&k, journal_redrive_all(k.journal, on_all, &a) == ST_OK);
    for (int i = 0; i <= round; i++) uv_run(&k.loop, UV_RUN_NOWAIT);
    if (round < 20) kill_backends();
    kit_until(&k, a.calls);
  }
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) || ' ' || count(DISTINCT redrive_of) FROM orders"
                               " WHERE redrive_of IS NOT NULL"),
                   "600 600");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM order_events WHERE phase = 0"), "600");
}

Test(redrive, who_waits_is_answered_when_the_journal_ends)
{
  struct ulid id = dead_letter();
  struct redriven r = {0};
  struct all a = {0};
  cr_assert_eq(journal_redrive(k.journal, &id, on_redriven, &r), ST_OK);
  cr_assert_eq(journal_redrive_all(k.journal, on_all, &a), ST_OK);
  journal_destroy(k.journal, NULL, NULL);
  k.journal = NULL;
  kit_until(&k, r.calls && a.calls);
  cr_assert(r.result == REDRIVE_AWAY && a.status == ST_AWAY);
}

/* ── the list ───────────────────────────────────────────────────────────────────────────────── */

struct page {
  int calls;
  enum status status;
  size_t n;
  bool more;
  struct ulid first, last;
};

static void on_page(void *arg, enum status status, const struct order *orders, size_t n, bool more)
{
  struct page *p = arg;
  p->calls++;
  p->status = status;
  p->n = n;
  p->more = more;
  if (!n) return;
  cr_assert_eq(orders[0].phase, OX_FAILED);
  p->first = orders[0].id;
  p->last = orders[n - 1].id;
}

static struct page page(const struct ulid *after, size_t limit)
{
  struct page p = {0};
  cr_assert_eq(dead_letters_page(reader, after, limit, on_page, &p), ST_OK);
  kit_until(&k, p.calls);
  cr_assert_eq(p.status, ST_OK);
  return p;
}

static void on_count(void *arg, enum status status, int64_t n)
{
  *(int64_t *)arg = status == ST_OK ? n : -2;
}

static int64_t count(void)
{
  int64_t n = -1;
  cr_assert_eq(dead_letters_count(reader, on_count, &n), ST_OK);
  kit_until(&k, n != -1);
  return n;
}

Test(redrive, dead_letters_are_listed_page_by_page)
{
  struct ulid none = {{0}}, ids[5];
  cr_assert(page(&none, 10).n == 0 && count() == 0);
  for (int i = 0; i < 5; i++) ids[i] = dead_letter();
  kit_accept(&k);
  struct page p = page(&none, 2);
  cr_assert(p.n == 2 && p.more && ulid_compare(&p.last, &ids[1]) == 0);
  p = page(&p.last, 3);
  cr_assert(p.n == 3 && !p.more && ulid_compare(&p.first, &ids[2]) == 0);
  cr_assert_eq(count(), 5);
  redrive(&ids[2]);
  p = page(&ids[1], 1);
  cr_assert(p.n == 1 && p.more && ulid_compare(&p.first, &ids[3]) == 0);
  cr_assert_eq(count(), 4);
}
