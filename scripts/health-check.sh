#!/usr/bin/env bash
# scripts/health-check.sh [--json] [--url URL]   how ox at URL (OX_URL, or http://127.0.0.1:3000) is
#
# Exit status: 0 all is well; 1 degraded: orders are taken, but Redis, workers or a venue are not as they
# should be; 2 down: no answer, not ready, or PostgreSQL away; 3 it cannot tell. With AUTH=required the
# queue is shown when OX_TOKEN is a token with orders:read.
set -euo pipefail
url=${OX_URL:-http://127.0.0.1:3000} json=''
usage() { sed -n '2s/^# //p' "$0" >&2; exit 3; }
while [ $# -gt 0 ]; do
  case $1 in
  --json) json=1; shift ;;
  --url) [ $# -ge 2 ] || usage; url=${2%/}; shift 2 ;;
  *) usage ;;
  esac
done
for program in curl jq; do
  command -v "$program" >/dev/null || { echo "health-check: $program is missing" >&2; exit 3; }
done

# get PATH: prints the answer's JSON and its status in a line of its own; null and 000 without an answer.
get() {
  local answer
  answer=$(curl -s --max-time 5 -w '\n%{http_code}' --config - "$url$1" \
    <<<"${OX_TOKEN:+header = \"Authorization: Bearer $OX_TOKEN\"}" || true)
  jq -cs '.[0]' 2>/dev/null <<<"${answer%$'\n'*}" || echo null
  echo "${answer##*$'\n'}"
}

{ read -r health; read -r status; } < <(get /health)
{ read -r ready; read -r ready_status; } < <(get /readyz)
{ read -r stats; read -r stats_status; } < <(get /api/orders/stats)
[ "$stats_status" = 200 ] || stats=null
if [ "$status" != 000 ] && ! jq -e '.checks' >/dev/null <<<"$health"; then
  echo "health-check: what answers at $url is not ox" >&2
  exit 3
fi

report=$(jq -cn --arg url "$url" --arg status "$ready_status" --argjson health "$health" \
  --argjson ready "$ready" --argjson stats "$stats" '
  {status: (if $health == null or $status != "200" then "down" else $health.status end),
   url: $url, answers: ($health != null), ready: ($status == "200"),
   draining: ($ready.status? == "draining"),
   version: $health.version?, uptime: $health.uptime?, checks: $health.checks?,
   queue: $stats.queue?, rateLimit: $stats.rateLimit?}')
if [ -n "$json" ]; then
  echo "$report"
else
  jq -r 'def words: if type == "object" then to_entries | map("\(.key) \(.value | words)") | join(", ")
                    else tostring end;
    def venue: {closed: "up", open: "down (breaker open)"}[.state] // .state; # of its breaker
    "ox          \(if .answers then .status else "no answer" end)\(if .draining then ", draining" else "" end), \(.url)",
    (select(.answers) | "version     \(.version), up for \(.uptime) s",
      (.checks | if .venues then .venues |= map_values(venue) else . end | to_entries[] |
        "\(.key + "            " | .[:11]) \(.value | words)"),
      (select(.queue) | "queue       \(.queue | words)"),
      (select(.rateLimit) | "rate limit  \(.rateLimit | words)"))' <<<"$report"
fi
case $(jq -r .status <<<"$report") in ok) exit 0 ;; degraded) exit 1 ;; *) exit 2 ;; esac
