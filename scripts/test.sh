#!/usr/bin/env bash
# scripts/test.sh: runs the suites named in SUITES from build directory B against DATABASE_URL and
# REDIS_URL (make test has scripts/servers.sh set them), and sums them up; with ONLY=word those whose
# name has it. A program that crashes, hangs, or leaves a sanitizer's report counts as failed.
set -uo pipefail
: "${B:=build}" "${ONLY:=}" "${SAN:=}" "${AT_ONCE:=$(($(nproc) < 4 ? $(nproc) : 4))}"
: "${SUITES:=unit web threads integration e2e postman chaos}"
export OXD=$PWD/$B/oxd
SLOW=1
[ -z "$SAN" ] || SLOW=4
export SLOW
LIMIT_S=$((180 * SLOW))

reports=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$reports"' EXIT
reports_in() { # reports_in DIR: where sanitizers write what they find
  ASAN_OPTIONS=log_path=$1/asan:detect_leaks=1:strict_string_checks=1
  export ASAN_OPTIONS=$ASAN_OPTIONS:detect_stack_use_after_return=1
  export UBSAN_OPTIONS="log_path=$1/ubsan:print_stacktrace=1"
  export TSAN_OPTIONS="log_path=$1/tsan:second_deadlock_stack=1"
}
reports_in "$reports"
no_aslr=(setarch -R) # gcc 12's TSan cannot map its shadow where ASLR is at its widest
setarch -R true 2>/dev/null || no_aslr=()
node=(node)
if [ "$SAN" = thread ]; then node=("${no_aslr[@]}" node); fi

passed=0 failed=0
count() { # count SUITE NAME PASSED FAILED OUTPUT
  local reported
  reported=$(find "${5%/*}" -type f -name '*san.*' | wc -l)
  if [ "$reported" -gt 0 ] && [ "$4" -eq 0 ]; then set -- "$1" "$2" "$3" 1 "$5"; fi
  passed=$((passed + $3)) failed=$((failed + $4))
  if [ "$4" -eq 0 ]; then printf '  ok    %-44s %4d\n' "$1/$2" "$3"; return; fi
  printf '  FAIL  %-44s %4d passed, %d failed\n' "$1/$2" "$3" "$4"
  sed 's/^/        /' "$5"
  find "${5%/*}" -type f -name '*san.*' -exec head -60 {} \; -delete
}

# at_once HOW SUITE FILE...: AT_ONCE at a time, as most of their time is waiting, but each with up to 90
# connections to PostgreSQL, which takes 500; each told when it ends. HOW FILE DIR runs one of them, and
# HOW_result DIR STATUS says what came of it: how many passed, failed, failed otherwise; or nothing.
at_once() {
  local how=$1 suite=$2 file name running=0
  local -A name_of=()
  shift 2
  for file; do
    name=${file#tests/"$suite"/} name=${name%[._]test.*}
    [[ $name == *$ONLY* ]] || continue
    if [ "$running" -ge "$AT_ONCE" ]; then one_ended; fi
    start_one "$file" "$reports/$suite/$name" &
    name_of[$!]=$name
    running=$((running + 1))
  done
  while [ "$running" -gt 0 ]; do one_ended; done
}

start_one() { # start_one FILE DIR: in a process of its own, with its reports in DIR
  mkdir -p "$2"
  reports_in "$2"
  "$how" "$1" "$2" >"$2/out" 2>&1 </dev/null
}

one_ended() { # waits for one of at_once's to end
  local ended status=0 name own good bad otherwise
  wait -n -p ended || status=$?
  running=$((running - 1)) name=${name_of[$ended]} own=$reports/$suite/${name_of[$ended]}
  read -r good bad otherwise <<<"$("${how}_result" "$own" "$status")"
  bad=$((bad + otherwise))
  if [ -z "$good" ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    bad=1
    echo "it failed, crashed, hung, or never started: status $status" >>"$own/out"
  fi
  count "$suite" "$name" "${good:-0}" "$bad" "$own/out"
  rm -rf "$own"
}

# Each takes the place of the process it is called in: that is the one killed at the end.
criterion() { exec timeout -k 5 "$LIMIT_S" "$B/${1%.c}"; }
thread() { exec timeout -k 5 "$LIMIT_S" "${no_aslr[@]}" "build/thread/${1%.c}"; }
node_test() {
  exec timeout -k 10 $((LIMIT_S * 2)) "${node[@]}" --test \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$2/tap" "$1"
}

criterion_result() {
  local number=': ([0-9]+)' colour='\x1b\[[0-9;]*m'
  grep -a 'Synthesis:' "$1/out" | tail -1 |
    sed -nE "s/$colour//g; s/.*Passing$number \| Failing$number \| Crashing$number.*/\1 \2 \3/p"
}

thread_result() { [ "$2" -ne 0 ] || echo 1; }

node_test_result() {
  if grep -q 'failing tests:$' "$1/out"; then
    sed -i '1,/failing tests:$/{/failing tests:$/!d}' "$1/out"
  fi
  sed -nE 's/^# (pass|fail|cancelled) ([0-9]+)$/\2/p' "$1/tap" 2>/dev/null | tail -3 | xargs
}

modules() { # modules DIR: what package-lock.json pins, if it is not there yet
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >"$reports/out" 2>&1
}

# with_modules SUITE DIR... -- COMMAND...
with_modules() {
  local suite=$1
  shift
  while [ "$1" != -- ]; do
    modules "$1" || { count "$suite" "npm ci in $1" 0 1 "$reports/out"; return; }
    shift
  done
  "${@:2}"
}

chaos_quick() { # the cycles of tests/chaos, which has servers of its own
  at_once node_test chaos tests/chaos/*.test.mjs
  [[ quick == *$ONLY* ]] || return 0
  OXD=$PWD/build/chaos/oxd timeout -k 10 $((LIMIT_S * 3)) node tests/chaos/run.mjs --quick \
    >"$reports/out" 2>&1 </dev/null
  if [[ $(tail -1 "$reports/out") =~ ^chaos:\ ([0-9]+)\ .*,\ ([0-9]+)\ did ]]
  then count chaos quick "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "$reports/out"
  else count chaos quick 0 1 "$reports/out"
  fi
}

model() { # the protocol's model, explored with few faults
  [[ quick == *$ONLY* ]] || return 0
  if scripts/model.sh quick >"$reports/out" 2>&1 </dev/null
  then count model quick "$(grep -c '^ok ' "$reports/out")" 0 "$reports/out"
  else count model quick 0 1 "$reports/out"
  fi
}

shopt -s nullglob
for suite in $SUITES; do
  case $suite in
  unit) at_once criterion unit tests/unit/*/*_test.c ;;
  integration) at_once criterion integration tests/integration/*_test.c ;;
  web) at_once node_test web tests/web/*.test.mjs ;;
  threads) at_once thread threads tests/threads/*_test.c ;;
  e2e) with_modules e2e tests/e2e -- at_once node_test e2e tests/e2e/*.test.mjs ;;
  model) model ;;
  chaos) with_modules chaos tests/e2e -- chaos_quick ;;
  postman) with_modules postman tests/e2e postman -- at_once node_test postman tests/postman/*.test.mjs ;;
  *) echo "test.sh: no such suite: $suite" >&2; exit 2 ;;
  esac
done
[ $((passed + failed)) -gt 0 ] || { echo "no tests ran" >&2; failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
