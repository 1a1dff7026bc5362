#!/usr/bin/env bash
# scripts/deps.sh SET...: installs what is missing of the Debian packages in these sets. Nothing missing:
# one look at dpkg's database and out again. Sets: compile; run = compile + servers; test = run + tools;
# bench = run + load generators; model = what explores docs/model.
# Alternatives (a|b) go to the first that is installed, else the first the archive has.
# SKIP_DEPS=1 trusts that everything is there.
set -euo pipefail

compile="gcc make pkg-config libc6-dev libwebsockets-dev libwebsockets-evlib-uv? libhiredis-dev libpq-dev
  libuv1-dev libjansson-dev libcurl4-openssl-dev libllhttp-dev|libhttp-parser-dev libssl-dev"
run="$compile redis-server|valkey-server postgresql curl jq"
test="$run libcriterion-dev clang libclang-rt-dev? gcovr universal-ctags util-linux nginx spin mandoc zsh chromium
  python3" # its whole numbers of any size are what the venues' arithmetic is checked against
# shellcheck disable=SC2034
bench="$run wrk nghttp2-client"
# shellcheck disable=SC2034
model="gcc spin"
# shellcheck disable=SC2034
lint="$test clang-format clang-tidy"

[ -z "${SKIP_DEPS:-}" ] || exit 0
die() { echo "ox: $*" >&2; exit 1; }

wanted=''
for set in "$@"; do
  case $set in
  compile | run | test | bench | lint | model) wanted+=" ${!set}" ;;
  *) die "deps.sh: no such set: $set" ;;
  esac
  # A Node from elsewhere than apt is as good, if it is new enough.
  case $set in test | bench | lint)
    if ! command -v npm >/dev/null || ! node -e 'process.exit(+(parseInt(process.versions.node) < 18))'
    then wanted+=' nodejs npm'; fi 2>/dev/null ;;
  esac
done
command -v dpkg-query >/dev/null ||
  die "this system has no dpkg: install the counterparts of these packages, then set SKIP_DEPS=1:" \
    "$(tr -d '?' <<<"$wanted")"

installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
  sed -n 's/^installed //p' | tr '\n' ' ') "
has() { [[ $installed == *" $1 "* ]]; }
in_archive() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# package_for A|B[?] prints what to install of it: nothing, if one is there or an optional one (?) is unknown.
package_for() {
  local name optional=${1##*[!?]} names
  IFS='|' read -ra names <<<"${1%\?}"
  for name in "${names[@]}"; do if has "$name"; then return; fi; done
  for name in "${names[@]}"; do
    if in_archive "$name"; then echo "$name"; return; fi
  done
  [ -n "$optional" ] || echo "${names[0]}"
}
find_missing() { for item in $wanted; do package_for "$item"; done | sort -u | tr '\n' ' '; }

missing=$(find_missing)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then root=''
elif command -v sudo >/dev/null; then root=sudo
else die "missing packages, and neither root nor sudo to install them: apt-get install -y $missing"
fi
echo "ox: installing: $missing"

# Packages of servers start system services. We want the programs, not the services: no new service
# starts, no new cluster is made, nothing that was there before is touched.
guards=()
log=$(mktemp)
undo() {
  rm -f "$log"
  for file in "${guards[@]}"; do $root rm -f "$file"; done
}
trap undo EXIT
guard() { # guard FILE MODE TEXT, only where there is none
  if [ -e "$1" ]; then return; fi
  $root mkdir -p "$(dirname "$1")"
  printf '%b' "$3" | $root tee "$1" >/dev/null
  guards+=("$1")
  $root chmod "$2" "$1"
}
fail() {
  tail -n 5 "$log" >&2
  die "could not install the packages; try: ${root:+sudo }apt-get install -y $missing"
}

$root apt-get update -qq >"$log" 2>&1 || fail
missing=$(find_missing) # an empty archive list knew no alternatives
guard /usr/sbin/policy-rc.d 755 '#!/bin/sh\nexit 101\n'
guard /etc/postgresql-common/createcluster.d/ox.conf 644 'create_main_cluster = false\n'
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
  >"$log" 2>&1 || fail
for service in redis-server nginx; do
  if [[ " $missing" == *" $service "* ]] && [ -d /run/systemd/system ]; then
    $root systemctl disable --quiet "$service" || true
  fi
done
