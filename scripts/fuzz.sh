#!/usr/bin/env bash
# scripts/fuzz.sh PROGRAM...: each libFuzzer program for FUZZ_SECONDS, from its seeds in
# tests/fuzz/corpus/NAME/ and what earlier runs found; a crash leaves its input beside the program.
set -euo pipefail
failed=0
for program; do
  name=$(basename "$program" _fuzz)
  found=$(dirname "$program")/corpus/$name
  mkdir -p "$found"
  seeds=()
  if [ -d "tests/fuzz/corpus/$name" ]; then seeds=("tests/fuzz/corpus/$name"); fi
  log=$(dirname "$program")/$name.log
  if "$program" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$(dirname "$program")/$name-" "$found" "${seeds[@]}" </dev/null >"$log" 2>&1
  then
    printf '  ok    fuzz/%-38s %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    printf '  FAIL  fuzz/%s\n' "$name"
    grep -vE '^(#|INFO|NEW_FUNC|\tNEW_FUNC)' "$log" | tail -60
    failed=1
  fi
done
exit "$failed"
