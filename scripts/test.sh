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
ASAN_OPTIONS=log_path=$reports/asan:detect_leaks=1:strict_string_checks=1
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_stack_use_after_return=1
export UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1"
export TSAN_OPTIONS="log_path=$reports/tsan:second_deadlock_stack=1"
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

criterion() { # criterion SUITE SOURCE...
  local suite=$1 source name line
  shift
  for source; do
    name=${source#tests/"$suite"/} name=${name%_test.c}
    [[ $name == *$ONLY* ]] || continue
    timeout -k 5 "$LIMIT_S" "$B/${source%.c}" >"$reports/out" 2>&1 </dev/null
    line=$(grep -a 'Synthesis:' "$reports/out" | tail -1 | sed 's/\x1b\[[0-9;]*m//g')
    if [[ $line =~ Passing:\ ([0-9]+)\ \|\ Failing:\ ([0-9]+)\ \|\ Crashing:\ ([0-9]+) ]]; then
      count "$suite" "$name" "${BASH_REMATCH[1]}" $((BASH_REMATCH[2] + BASH_REMATCH[3])) "$reports/out"
    else
      echo "no result: it crashed, hung, or never started" >>"$reports/out"
      count "$suite" "$name" 0 1 "$reports/out"
    fi
  done
}

threads() {
  local source name
  for source in tests/threads/*_test.c; do
    name=$(basename "$source" _test.c)
    [[ $name == *$ONLY* ]] || continue
    if timeout -k 5 "$LIMIT_S" "${no_aslr[@]}" "build/thread/${source%.c}" >"$reports/out" 2>&1 </dev/null
    then count threads "$name" 1 0 "$reports/out"
    else count threads "$name" 0 1 "$reports/out"
    fi
  done
}

modules() { # modules DIR: what package-lock.json pins, if it is not there yet
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >"$reports/out" 2>&1
}

# node_tests SUITE FILE...: AT_ONCE at a time, as most of their time is waiting, but each with up to 90
# connections to PostgreSQL, which takes 500; each told when it ends.
node_tests() {
  local suite=$1 file name running=0
  local -A name_of=()
  shift
  for file; do
    name=$(basename "$file" .test.mjs)
    [[ $name == *$ONLY* ]] || continue
    if [ "$running" -ge "$AT_ONCE" ]; then node_wait "$suite"; fi
    node_test "$file" "$name" &
    name_of[$!]=$name
    running=$((running + 1))
  done
  while [ "$running" -gt 0 ]; do node_wait "$suite"; done
}

node_test() { # node_test FILE NAME: in a process of its own
  local own=$reports/$2
  mkdir "$own"
  ASAN_OPTIONS=${ASAN_OPTIONS/"$reports"/$own} UBSAN_OPTIONS=${UBSAN_OPTIONS/"$reports"/$own} \
  TSAN_OPTIONS=${TSAN_OPTIONS/"$reports"/$own} timeout -k 10 $((LIMIT_S * 2)) "${node[@]}" --test \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$own/tap" "$1" >"$own/out" 2>&1 </dev/null
}

node_wait() { # node_wait SUITE: for one of node_tests' to end
  local ended name own
  wait -n -p ended
  running=$((running - 1)) name=${name_of[$ended]} own=$reports/${name_of[$ended]}
  if grep -q 'failing tests:$' "$own/out"; then
    sed -i '1,/failing tests:$/{/failing tests:$/!d}' "$own/out"
  fi
  if grep -q '^# fail' "$own/tap" 2>/dev/null; then
    count "$1" "$name" "$(sed -n 's/^# pass //p' "$own/tap")" \
      $(($(sed -n 's/^# fail //p' "$own/tap") + $(sed -n 's/^# cancelled //p' "$own/tap"))) "$own/out"
  else
    count "$1" "$name" 0 1 "$own/out"
  fi
  rm -rf "$own"
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
  node_tests chaos tests/chaos/*.test.mjs
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
  unit) criterion unit tests/unit/*/*_test.c ;;
  integration) criterion integration tests/integration/*_test.c ;;
  web) node_tests web tests/web/*.test.mjs ;;
  threads) threads ;;
  e2e) with_modules e2e tests/e2e -- node_tests e2e tests/e2e/*.test.mjs ;;
  model) model ;;
  chaos) with_modules chaos tests/e2e -- chaos_quick ;;
  postman) with_modules postman tests/e2e postman -- node_tests postman tests/postman/*.test.mjs ;;
  *) echo "test.sh: no such suite: $suite" >&2; exit 2 ;;
  esac
done
[ $((passed + failed)) -gt 0 ] || { echo "no tests ran" >&2; failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
