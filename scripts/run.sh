#!/usr/bin/env bash
# scripts/run.sh: serves build/oxd (OXD); on private servers under RUN_DIR (.run), unless DATABASE_URL and
# REDIS_URL say which. Says what to try as soon as it is ready, unless IN_BACKGROUND. Ctrl-C stops all that
# was started here.
set -euo pipefail
from_dotenv() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -1 || true; }
PORT=${PORT:-$(from_dotenv PORT)} HOST=${HOST:-$(from_dotenv HOST)}
PORT=${PORT:-3000} HOST=${HOST:-127.0.0.1}

in_use() { (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; }

# say_when_ready waits for the daemon, which has this script's pid from its exec on.
say_when_ready() {
  for ((i = 0; i < 600; i++)); do
    if scripts/ready.sh "$PORT" "$HOST" 2>/dev/null; then break; fi
    kill -0 $$ 2>/dev/null || return
    sleep 0.05
  done
  cat <<TEXT

ox serves on http://$HOST:$PORT, which a browser shows as a dashboard. Try:

  curl -s http://$HOST:$PORT/api/orders/execute -H 'Content-Type: application/json' \\
    -d '{"tokenIn":"SOL","tokenOut":"USDC","amount":1.5,"slippage":0.01}'
  curl -s http://$HOST:$PORT/api/orders/ORDER_ID/events
  curl -s http://$HOST:$PORT/api/orders/stats
TEXT
  if command -v npm >/dev/null; then
    echo '  (cd postman && npm ci && node listen.mjs --new)     # place an order and watch it live'
  fi
  printf '\nCtrl-C stops it.\n\n'
}

if [ "${1:-}" = --serve ]; then
  DATABASE_URL=${DATABASE_SOCKET_URL:-$DATABASE_URL} REDIS_URL=${REDIS_SOCKET_URL:-$REDIS_URL}
  [ -n "${IN_BACKGROUND:-}" ] || say_when_ready &
  exec "${OXD:-build/oxd}" serve
fi
if [ "$PORT" != 0 ] && in_use; then
  echo "ox: port $PORT on $HOST is already in use; choose another: PORT=$((PORT + 1)) make run" >&2
  exit 1
fi
if [ -n "${DATABASE_URL:-}" ] && [ -n "${REDIS_URL:-}" ]; then exec "$0" --serve; fi
exec scripts/servers.sh run "${RUN_DIR:-$PWD/.run}" -- "$0" --serve
