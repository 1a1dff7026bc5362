#!/usr/bin/env bash
# scripts/setup-database.sh            brings the schema of DATABASE_URL forward (oxd migrate)
# scripts/setup-database.sh --create   makes its role and database first, where they are missing
#
# DATABASE_URL is taken from the environment, DATABASE_URL_FILE or .env, as oxd does. --create connects as
# psql does of itself (PGHOST, PGUSER, PGPASSWORD …), so call it as somebody who may create both:
# sudo -u postgres, say. What is there already stays as it is, a role's password too; call it as often as
# you like. OXD is the daemon to migrate with (build/oxd). Exit status: 0 done, 1 not, 64 wrong command line.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
die() { echo "setup-database: $*" >&2; exit 1; }
usage() { sed -n '2,3s/^# //p' "$0" >&2; exit 64; }
create=''
case $#:${1:-} in 0:) ;; 1:--create) create=1 ;; *) usage ;; esac
: "${OXD:=build/oxd}"
[ -x "$OXD" ] || die "$OXD is missing: make"

from_dotenv() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -1 || true; }
url=${DATABASE_URL:-$(from_dotenv DATABASE_URL)}
if [ -z "$url" ]; then
  file=${DATABASE_URL_FILE:-$(from_dotenv DATABASE_URL_FILE)}
  [ -z "$file" ] || url=$(cat "$file") || die "cannot read $file"
fi
[ -n "$url" ] || die "DATABASE_URL is not set (postgresql://user:password@host:port/database)"

# decode TEXT: %XX of a URL as bytes.
decode() { local text=${1//\\/\\\\}; printf '%b' "${text//%/\\x}"; }

if [ -n "$create" ]; then
  command -v psql >/dev/null || die "psql is missing: install the package postgresql-client"
  [[ $url =~ ^postgres(ql)?://([^:@/]+)(:([^@/]*))?@[^/?]*/([^?]+) ]] ||
    die "DATABASE_URL names no user and database (postgresql://user:password@host:port/database)"
  # By the environment: what is on a command line can be read by all of the machine.
  NEW_ROLE=$(decode "${BASH_REMATCH[2]}") NEW_PASSWORD=$(decode "${BASH_REMATCH[4]}")
  NEW_DATABASE=$(decode "${BASH_REMATCH[5]}")
  export NEW_ROLE NEW_PASSWORD NEW_DATABASE
  PGDATABASE=${PGDATABASE:-postgres} psql -XAtq -v ON_ERROR_STOP=1 <<'SQL' || die "role and database were not made"
\getenv role NEW_ROLE
\getenv password NEW_PASSWORD
\getenv database NEW_DATABASE
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', nullif(:'password', ''))
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'database', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SQL
fi
DATABASE_URL=$url "$OXD" migrate || die "the schema could not be brought forward"
echo "the database is ready"
