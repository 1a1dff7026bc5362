#!/usr/bin/env bash
# scripts/manage-system.sh up        in the background what make run starts, until it is ready
# scripts/manage-system.sh down      drains and stops what up started, and nothing else
# scripts/manage-system.sh restart   down, then up
# scripts/manage-system.sh status    how ox, PostgreSQL, Redis and the queue are
# scripts/manage-system.sh logs      the log as it is written; logs N: its last N lines
# scripts/manage-system.sh demo      places orders and checks what becomes of them (scripts/demo.sh)
#
# PORT, HOST, DATABASE_URL, REDIS_URL and the rest count as for make run. The process id and the log are
# in RUN_DIR (.run): ox.pid, ox.log. Exit status: 0 done, 1 it could not be; status: that of health-check.sh.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
: "${RUN_DIR:=$PWD/.run}"
export RUN_DIR
pid_file=$RUN_DIR/ox.pid log=$RUN_DIR/ox.log

die() { echo "ox: $*" >&2; exit 1; }
usage() { sed -n '2,7s/^# //p' "$0" >&2; exit 64; }
from_dotenv() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -1 || true; }

# started PID: since when it runs, in ticks; with its id that names a process for good.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# running: sets pid and url from the file, when that process is the one that runs.
running() {
  local since now
  pid='' url=''
  { read -r pid since url <"$pid_file"; } 2>/dev/null || return 1
  now=$(started "$pid") && [ -n "$now" ] && [ "$now" = "$since" ]
}

up() {
  local port host
  if running; then echo "ox runs already: $url (process $pid)"; return; fi
  [ -x "${OXD:-build/oxd}" ] || die "${OXD:-build/oxd} is missing: make"
  port=${PORT:-$(from_dotenv PORT)} host=${HOST:-$(from_dotenv HOST)}
  port=${port:-3000} host=${host:-127.0.0.1}
  [ "$port" != 0 ] || die "PORT=0: up needs a port that it can tell"
  (umask 077; : >"$log")
  IN_BACKGROUND=1 PORT=$port HOST=$host setsid scripts/run.sh >>"$log" 2>&1 </dev/null 8>&- &
  pid=$!
  echo "$pid $(started "$pid") http://$host:$port" >"$pid_file"
  for ((i = 0; i < 1200; i++)); do
    running || die "it ended: $(tail -n 1 "$log"); all of it: $log"
    if scripts/ready.sh "$port" "$host" 2>/dev/null; then
      echo "ox serves on $url (process $pid, log $log)"
      return
    fi
    sleep 0.05
  done
  die "not ready after a minute (process $pid goes on): scripts/manage-system.sh logs"
}

# A drain takes DRAIN_TIMEOUT_MS at most; the private servers end after it.
down() {
  local wait_ms=${DRAIN_TIMEOUT_MS:-$(from_dotenv DRAIN_TIMEOUT_MS)}
  if ! running; then
    rm -f "$pid_file"
    echo "ox does not run"
    return
  fi
  kill -TERM "$pid"
  for ((i = 0; i < (${wait_ms:-25000} + 20000) / 50; i++)); do
    if ! running; then
      rm -f "$pid_file"
      echo "ox has stopped"
      return
    fi
    sleep 0.05
  done
  die "process $pid has not ended: $log"
}

need_running() { running || die "it does not run: scripts/manage-system.sh up"; }

# its NAME: the value of a variable in the environment of the daemon, which knows its private servers.
its() {
  local process
  for process in "$pid" $(cat "/proc/$pid/task/$pid/children"); do
    [ "$(cat "/proc/$process/comm")" != oxd ] ||
      tr '\0' '\n' <"/proc/$process/environ" | sed -n "s/^$1=//p"
  done
}

[ $# -ge 1 ] || usage
[ "$1" = logs ] || [ $# = 1 ] || usage
case $1 in
up | down | restart)
  mkdir -p "$RUN_DIR" 2>/dev/null || die "cannot make $RUN_DIR"
  [ -w "$RUN_DIR" ] || die "cannot write in $RUN_DIR"
  exec 8>"$RUN_DIR/manage.lock"
  flock -w 120 8 || die "another up or down is under way" ;;
esac
case $1 in
up) up ;;
down) down ;;
restart) down && up ;;
status)
  need_running
  echo "process     $pid"
  scripts/health-check.sh --url "$url" ;;
logs)
  [[ $# -le 2 && ${2:-1} =~ ^[0-9]+$ ]] || usage
  [ -e "$log" ] || die "there is no log: $log"
  if [ $# = 2 ]; then tail -n "$2" "$log"; else exec tail -n 20 -F "$log"; fi ;;
demo)
  need_running
  REDIS_URL=$(its REDIS_URL) REDIS_KEY_PREFIX=$(its REDIS_KEY_PREFIX) OX_URL=$url \
    exec scripts/demo.sh ;;
*) usage ;;
esac
