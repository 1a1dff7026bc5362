#!/usr/bin/env bash
# scripts/servers.sh run DIR -- CMD...   a private PostgreSQL and Redis with their data in DIR, kept
# scripts/servers.sh tmp -- CMD...       the same in a temporary directory, removed at the end
#
# CMD runs with DATABASE_URL and REDIS_URL set (and PG_PID, REDIS_PID, SERVERS_DIR); and, where the
# path of DIR allows it, DATABASE_SOCKET_URL and REDIS_SOCKET_URL: the same servers by sockets in
# DIR, which cost less than TCP. It is sent the INT and TERM that come here. When it ends both servers
# are stopped, and nothing else is. The exit status is CMD's. Both listen on free ports of 127.0.0.1
# and ask for a password that is made for DIR and kept there. Called by root they run as postgres (or
# nobody); where that user cannot use DIR the data lives under /var/tmp instead. If this script is
# killed the servers stop of themselves. PG_SHARED_BUFFERS, 256MB, is for those who measure.
set -euo pipefail
mask=$(umask)
umask 077

say() { echo "servers: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }

# ── where, and as whom ───────────────────────────────────────────────────────────────────────────
as=(env LC_ALL=C setpriv --pdeathsig INT)
user=''
if [ "$(id -u)" = 0 ]; then
  user=$(id -un postgres 2>/dev/null || echo nobody)
  as+=(--reuid="$user" --regid="$(id -gn "$user")" --init-groups)
fi

find_programs() {
  local bin
  for bin in "$(pg_config --bindir 2>/dev/null || true)" \
             $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then pg_bin=$bin; break; fi
  done
  [ -n "${pg_bin:-}" ] || die "PostgreSQL is missing: install the package postgresql"
  redis_bin=$(command -v redis-server || command -v valkey-server) ||
    die "Redis is missing: install the package redis-server"
  command -v flock >/dev/null || die "flock is missing: install the package util-linux"
}

make_dir() { # the directory, when it is ours and the servers' user can enter it
  (umask 022; mkdir -p "$(dirname "$1")") && mkdir -p "$1" && [ -O "$1" ] && [ ! -L "$1" ] ||
    return 1
  [ -z "$user" ] || chmod go+x "$1"
  "${as[@]}" test -x "$1/." && dir=$(cd "$1" && pwd -P)
}

choose_dir() {
  local elsewhere
  if [ "$mode" = tmp ]; then
    make_dir "$(mktemp -d "${TMPDIR:-/tmp}/ox.XXXXXX")" ||
      make_dir "$(mktemp -d /var/tmp/ox.XXXXXX)" || die "no temporary directory can be used"
  elif ! make_dir "$wanted"; then
    [ -n "$user" ] || die "cannot use $wanted: it belongs to another user"
    elsewhere=/var/tmp/ox-$(realpath -m "$wanted" | sha256sum | cut -c1-12)
    make_dir "$elsewhere" || die "neither $wanted nor $elsewhere can be used by $user"
    say "$user cannot use $wanted: the data lives in $dir"
  fi
  exec 9>"$dir/lock"
  flock -n 9 || die "$dir is in use by another instance"
  for part in pg redis; do
    mkdir -p "$dir/$part"
    [ -z "$user" ] || chown "$user" "$dir/$part"
    "${as[@]}" test -w "$dir/$part" || die "$dir/$part belongs to another user"
  done
  # A socket's path has 107 bytes at most, and stands in a URL.
  sockets=$dir
  [[ ${#dir} -le 80 && $dir =~ ^[[:alnum:]/._-]+$ ]] || sockets=''
}

# ── starting ─────────────────────────────────────────────────────────────────────────────────────
free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

wait_until() { # CHECK PID: false when PID ends first, or after two minutes
  local end=$((SECONDS + 120))
  while kill -0 "$2" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do
    if "$1"; then return 0; fi
    sleep 0.02
  done
  return 1
}

# Built beside its place and moved when complete: an interrupted start leaves no half a cluster.
init_postgres() {
  local new=$dir/pg/new
  rm -rf "$new"
  od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$dir/pg/password"
  [ -z "$user" ] || chown "$user" "$dir/pg/password"
  (cd "$dir/pg" && "${as[@]}" "$pg_bin/initdb" -D "$new" -U ox -A scram-sha-256 --no-sync -E UTF8 \
    --locale=C.UTF-8 --pwfile="$dir/pg/password" &&
    echo 'CREATE DATABASE ox' | "${as[@]}" "$pg_bin/postgres" --single -F -D "$new" postgres) \
    >"$dir/pg/log" 2>&1 </dev/null || die "initdb failed: $(tail -n 3 "$dir/pg/log")"
  mv "$new" "$dir/pg/data"
}

postgres_ready() {
  local line
  mapfile -t line 2>/dev/null <"$dir/pg/data/postmaster.pid" || return 1
  [ "${line[0]:-}" = "$PG_PID" ] && [[ ${line[7]:-} = ready* ]]
}

start_postgres() {
  local socket=$dir/pg
  [ "$sockets" ] || socket=''
  [ -d "$dir/pg/data" ] || init_postgres
  for _ in 1 2 3 4 5; do
    pg_port=$(free_port)
    (cd "$dir/pg" && exec setsid "${as[@]}" "$pg_bin/postgres" -D "$dir/pg/data" -p "$pg_port" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories="$socket" \
      -c unix_socket_permissions=0700 -c max_connections=500 \
      -c shared_buffers="${PG_SHARED_BUFFERS:-256MB}" -c min_wal_size=2GB -c max_wal_size=4GB \
      -c wal_compression=off -c random_page_cost=1.1 -c logging_collector=off) >"$dir/pg/log" 2>&1 </dev/null 9>&- &
    PG_PID=$!
    if wait_until postgres_ready "$PG_PID"; then return; fi
    grep -q 'Address already in use' "$dir/pg/log" || break
  done
  die "PostgreSQL did not start: $(tail -n 3 "$dir/pg/log")"
}

redis_ready() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$redis_port" || return 1
  printf 'AUTH %s\r\nPING\r\n' "$password" >&3
  read -r -t 5 line <&3 && [[ $line = +OK* ]] && read -r -t 5 line <&3 && [[ $line = +PONG* ]]
} 2>/dev/null

redis_conf() {
  printf '%s\n' "bind 127.0.0.1" "port $redis_port" "dir ." 'save ""' "appendonly yes" \
    "appendfsync everysec" "requirepass $password"
  [ ! "$sockets" ] || printf '%s\n' "unixsocket $dir/redis/socket" 'unixsocketperm 700'
}

start_redis() {
  for _ in 1 2 3 4 5; do
    redis_port=$(free_port)
    (cd "$dir/redis" && exec setsid "${as[@]}" "$redis_bin" - <<<"$(redis_conf)") \
      >"$dir/redis/log" 2>&1 9>&- &
    REDIS_PID=$!
    if wait_until redis_ready "$REDIS_PID"; then
      exec 3>&- # the connection it was asked on
      return
    fi
    grep -q 'Address already in use' "$dir/redis/log" || break
  done
  die "Redis did not start: $(tail -n 3 "$dir/redis/log")"
}

# ── stopping ─────────────────────────────────────────────────────────────────────────────────────
stop() { # SIGNAL PID: a child of this script, and only that
  local end=$((SECONDS + 15))
  child() { [ "$(cut -d' ' -f4 "/proc/$1/stat" 2>/dev/null)" = $$ ]; }
  child "$2" || return 0
  kill -"$1" "$2" && kill -CONT "$2"
  while child "$2" && [ "$SECONDS" -lt "$end" ]; do sleep 0.02; done
  if child "$2"; then kill -KILL "$2"; fi
}

stop_all() {
  local pg_signal=INT # a fast shutdown
  trap '' INT TERM
  [ "$mode" = run ] || pg_signal=QUIT # at once: the data goes too
  stop TERM "${REDIS_PID:-none}" 2>/dev/null
  stop "$pg_signal" "${PG_PID:-none}" 2>/dev/null
  if [ "$mode" = tmp ] && [ -n "${dir:-}" ]; then rm -rf "$dir"; fi
}

# ── the command ──────────────────────────────────────────────────────────────────────────────────
# A process group of its own: a terminal's Ctrl-C comes here alone and is passed on once.
run_command() {
  local status forwarded
  if [ -t 0 ]; then exec </dev/null; fi
  trap 'forwarded=1; kill -INT -- "-$command" 2>/dev/null' INT
  trap 'forwarded=1; kill -TERM "$command" 2>/dev/null' TERM
  umask "$mask"
  set -m
  setpriv --pdeathsig TERM "$@" 9>&- &
  command=$!
  set +m
  while forwarded='' status=0; wait "$command" || status=$?; [ -n "$forwarded" ]; do :; done
  return "$status"
}

# A function, so that bash has read all of the script before it waits for hours.
main() {
  local status=0
  mode=${1:-} wanted=''
  case $mode in
    run) wanted=${2:-}; [ -n "$wanted" ] || usage; shift 2 ;;
    tmp) shift ;;
    *) usage ;;
  esac
  [ "${1:-}" = -- ] && [ $# -ge 2 ] || usage
  shift

  trap stop_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  find_programs
  choose_dir
  start_postgres
  password=$(<"$dir/pg/password")
  start_redis
  export PG_PID REDIS_PID SERVERS_DIR=$dir
  export DATABASE_URL=postgresql://ox:$password@127.0.0.1:$pg_port/ox
  export REDIS_URL=redis://default:$password@127.0.0.1:$redis_port/0
  if [ "$sockets" ]; then
    export DATABASE_SOCKET_URL=postgresql://ox:$password@${dir//\//%2F}%2Fpg:$pg_port/ox
    export REDIS_SOCKET_URL=unix://default:$password@$dir/redis/socket
  fi
  run_command "$@" || status=$?
  exit "$status"
}
main "$@"
