#!/usr/bin/env bash
# scripts/demo.sh: places orders at OX_URL (http://127.0.0.1:3000) and checks what becomes of them, a line
# for each; exit status 1 when something is not as it should be. Mock venues only. Faults that it sets are
# taken back at the end, whatever happens. With REDIS_URL (and REDIS_KEY_PREFIX) it also deletes ox's
# keys there while orders run. With AUTH=required OX_TOKEN is a token with all scopes.
# shellcheck disable=SC2317 # the functions are called by name
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export OX_URL=${OX_URL:-http://127.0.0.1:3000}
: "${OXCTL:=build/oxctl}"
swap='{"tokenIn":"SOL","tokenOut":"USDC","amount":1.5,"slippage":0.1}'
dir=$(mktemp -d)
failed=0 faults=''

die() { echo "demo: $*" >&2; exit 1; }
for program in curl jq; do command -v "$program" >/dev/null || die "$program is missing"; done
[ -x "$OXCTL" ] || die "$OXCTL is missing: make"

# call METHOD PATH [BODY [HEADER]]: the answer's JSON; false when it is refused.
call() {
  curl -s --fail-with-body --max-time 15 -X "$1" --config - "$OX_URL$2" -H 'Content-Type: application/json' \
    ${3:+--data "$3"} ${4:+-H "$4"} <<<"${OX_TOKEN:+header = \"Authorization: Bearer $OX_TOKEN\"}"
}

finish() {
  local status=$?
  trap '' INT TERM
  if [ -n "$faults" ] && ! call PUT /api/sim/faults "$faults" >"$dir/faults"; then
    echo "FAIL  the faults could not be taken back: PUT /api/sim/faults '$faults'" >&2
    status=1
  fi
  rm -rf "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

faults=$(call GET /api/sim/faults 2>/dev/null) || { faults=''; die "$OX_URL tells no faults: it is away, has no mock venues, or OX_TOKEN is missing"; }
stats=$(call GET /api/orders/stats) || die "$OX_URL does not tell its queue"
# What may hold an order back is the limiter; after a wipe it stays closed for a window.
window_s=$(jq '.rateLimit | if .limit == 0 then 0 else .windowMs / 1000 | ceil end' <<<"$stats")
patience=$((window_s + 60))

check() { # check WHAT COMMAND...: what it prints is said, too
  local what=$1 said status=0
  shift
  said=$("$@" 2>"$dir/error") || status=$?
  if [ "$status" = 0 ]; then
    printf 'ok    %-40s %s\n' "$what" "$said"
  else
    failed=1
    printf 'FAIL  %-40s %s %s\n' "$what" "$said" "$(tail -n 1 "$dir/error")"
  fi
}

# run ORDER: places it and prints its events, a line each, until it ends.
run() { timeout "$patience" "$OXCTL" submit - --watch --json <<<"$1"; }
# states: of the events that are read, in one line.
states() { jq -rs 'map(.status) | join(" ")'; }
fault_both() { # fault_both KIND
  call PUT /api/sim/faults "$(jq -cn --arg kind "$1" \
    '{faults: [{venue: "raydium", kind: $kind}, {venue: "meteora", kind: $kind}]}')" >/dev/null
}
no_faults() { call PUT /api/sim/faults '{"faults":[]}' >/dev/null; }
# landed ID...: each has moved tokens once in the venues' own book.
landed() {
  local id n
  for id; do
    n=$(call GET "/api/sim/ledger?orderId=$id" | jq '[.entries[] | select(.landed)] | length')
    [ "$n" = 1 ] || { echo "$id landed $n times" >&2; return 1; }
  done
}

one() {
  local events
  events=$(run "$swap")
  states <<<"$events"
  [[ $(states <<<"$events") = 'pending routing building submitted confirmed' ]] || return 1
  landed "$(jq -rs '.[0].orderId' <<<"$events")"
}

# many N [COMMAND]: N at once, COMMAND when all are placed; each is confirmed, and landed once.
many() {
  local i ids
  for ((i = 0; i < $1; i++)); do call POST /api/orders/execute "$swap" >"$dir/placed.$i" & done
  wait
  ids=$(cat "$dir"/placed.* | jq -r .orderId)
  rm "$dir"/placed.*
  [ "$(wc -w <<<"$ids")" = "$1" ] || { echo "not all were accepted" >&2; return 1; }
  [ -z "${2:-}" ] || "$2" || return 1
  for i in $ids; do
    timeout "$patience" "$OXCTL" watch "$i" --json >"$dir/watched" ||
      { echo "$i ended as $(tail -n 1 "$dir/watched" | jq -r .status)" >&2; return 1; }
  done
  # shellcheck disable=SC2086
  landed $ids && echo "$1 confirmed, each landed once"
}

# The fault is taken back when the second attempt has begun.
retry() {
  local id attempt end=$((SECONDS + patience))
  fault_both no_liquidity
  id=$(call POST /api/orders/execute "$swap" | jq -r .orderId)
  while attempt=$(call GET "/api/orders/$id" | jq .attempt) && [ "$attempt" -lt 2 ]; do
    [ "$SECONDS" -lt "$end" ] || { echo "no second attempt" >&2; return 1; }
    sleep 0.05
  done
  no_faults
  timeout "$patience" "$OXCTL" watch "$id" --json >"$dir/retried" || true
  tail -n 1 "$dir/retried" | jq -r '"\(.status) at attempt \(.attempt)"'
  tail -n 1 "$dir/retried" | jq -e '.status == "confirmed" and .attempt >= 2' >/dev/null && landed "$id"
}

dead_letter() {
  local id
  fault_both no_liquidity
  run "$swap" >"$dir/dead" || true
  no_faults
  tail -n 1 "$dir/dead" | jq -r '"\(.status) at attempt \(.attempt): \(.data.error.code)"'
  tail -n 1 "$dir/dead" | jq -e '.status == "failed" and .data.error.code == "NO_LIQUIDITY"' >/dev/null ||
    return 1
  id=$(tail -n 1 "$dir/dead" | jq -r .orderId)
  "$OXCTL" dlq list --json --all | jq -se --arg id "$id" 'any(.orderId == $id)' >/dev/null ||
    { echo "$id is no dead letter" >&2; return 1; }
}

# One of the five has a bad amount: it fails alone.
batch() {
  call POST /api/orders/batch "$(jq -cn '[range(5) | {id: "demo-\(now)-\(.)", amount: .}]')" \
    "Idempotency-Key: demo-$$-$RANDOM$RANDOM" >"$dir/batch" || return 1
  jq -r '"\(.processed) of \(.total) placed, \(.failed) refused"' "$dir/batch"
  jq -e '.processed == 4 and .failed == 1 and .total == 5' "$dir/batch" >/dev/null
}

delivery() {
  local events
  events=$(run '{"type":"delivery","user_id":"demo","item_ids":["a","b"],"total_amount":"19.90"}')
  states <<<"$events"
  [ "$(states <<<"$events")" = 'Pending Processing Shipped Completed' ]
}

# wipe: deletes ox's keys, and no others. The password goes by the environment.
wipe() {
  local at=${REDIS_URL#*://} scheme=${REDIS_URL%%://*} who='' where
  [[ $at != *@* ]] || who=${at%@*} at=${at##*@}
  where=(-u "redis://$at")
  [ "$scheme" != unix ] || where=(-s "$at")
  [[ $who != ?*:* ]] || where+=(--user "${who%%:*}")
  REDISCLI_AUTH=${who#*:} redis-cli "${where[@]}" EVAL \
    'local n = 0 for _, k in ipairs(redis.call("KEYS", ARGV[1])) do n = n + redis.call("UNLINK", k) end return n' \
    0 "${REDIS_KEY_PREFIX:-ox}:*" >"$dir/wiped"
  [[ $(cat "$dir/wiped") =~ ^[1-9][0-9]*$ ]] || { echo "redis-cli: $(cat "$dir/wiped")" >&2; return 1; }
}

no_faults || { faults=''; die "faults cannot be set: that takes the scope admin"; }
check 'a swap' one
check 'ten swaps at once' many 10
check 'a fault that passes: tried again' retry
check 'a fault that stays: a dead letter' dead_letter
check 'a batch' batch
check 'a delivery' delivery
if [ -n "${REDIS_URL:-}" ] && command -v redis-cli >/dev/null; then
  [ "$window_s" = 0 ] || echo "      (the limiter stays closed for its window of $window_s s now)"
  check 'Redis wiped while orders run and wait' many 15 wipe
else
  echo 'skip  Redis wiped while orders run and wait: REDIS_URL or redis-cli is missing'
fi
exit "$failed"
