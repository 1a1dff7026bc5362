/* pg_start_test.c - which URLs have a host name that must be resolved first. */
#include "io/pg_start.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void check_host(const char *url, const char *want)
{
  char *host = pg_start_host(url);

  if (want)
    cr_assert_str_eq(host, want, "%s", url);
  else
    cr_assert_null(host, "%s: %s", url, host);
  free(host);
}

Test(pg_start, names_are_resolved_first)
{
  check_host("postgresql://me:pw@db.example.org:5433/x?sslmode=require", "db.example.org");
  check_host("postgres://localhost/x", "localhost");
  check_host("host=db port=5 dbname=x", "db");
  check_host("postgresql:///x?host=db", "db");
}

Test(pg_start, addresses_sockets_and_lists_are_not)
{
  check_host("postgresql://127.0.0.1/x", NULL);
  check_host("postgresql://[::1]:5432/x", NULL);
  check_host("postgresql:///x?host=/run/postgresql", NULL);
  check_host("postgresql://%2Frun%2Fpostgresql/x", NULL);
  check_host("postgresql:///x?host=@abstract", NULL);
  check_host("postgresql://a,b/x", NULL);
  check_host("postgresql://db/x?hostaddr=10.0.0.1", NULL);
  check_host("postgresql:///x", NULL);
  check_host("postgresql://[broken", NULL);
  check_host("", NULL);
}

Test(pg_start, a_wrong_url_is_bad_from_the_start)
{
  PGconn *pg = pg_start("postgresql://[broken", "test", 1000, NULL);

  cr_assert_eq(PQstatus(pg), CONNECTION_BAD);
  PQfinish(pg);
}
