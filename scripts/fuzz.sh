#!/usr/bin/env bash
# scripts/fuzz.sh PROGRAM...: each libFuzzer program for FUZZ_SECONDS, from its seeds in
# tests/fuzz/corpus/NAME/ and what earlier runs found; a crash leaves its input beside the program.
set -euo pipefail
for program; do
  name=$(basename "$program" _fuzz)
  found=$(dirname "$program")/corpus/$name
  mkdir -p "$found"
  seeds=()
  if [ -d "tests/fuzz/corpus/$name" ]; then seeds=("tests/fuzz/corpus/$name"); fi
  echo "fuzz $name, ${FUZZ_SECONDS:-60} s"
  "$program" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=5 -rss_limit_mb=2048 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$(dirname "$program")/$name-" "$found" "${seeds[@]}" \
    </dev/null 2>&1 | grep -vE '^stat::(new|slowest)' 
done
