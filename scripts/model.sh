#!/usr/bin/env bash
# scripts/model.sh quick|all: has spin explore the models of docs/model/ exhaustively and prints a table.
# A model must hold; each mutant, which lacks one guard, must not. B is where it builds.
set -uo pipefail
cd "$(dirname "$0")/.."
: "${B:=build}" "${MEMORY_MB:=4000}" "${LIMIT_S:=600}"
bad=0
OPTIMIZE=-O1

# explore NAME KIND MODEL DEFINITIONS EXPECTED: KIND is safety, landed or ends
explore() {
  local dir=$B/model/$1 compile=(-DSAFETY -DNOCLAIM) run=() seconds found states result
  case $2 in
  landed) run=(-E) ;;
  ends) compile=() run=(-a -N ends) ;;
  esac
  rm -rf "$dir" && mkdir -p "$dir"
  cp docs/model/*.pml "$dir"
  # shellcheck disable=SC2086
  if ! (cd "$dir" && spin $4 -a "$3.pml" >spin.log 2>&1 &&
    ${CC:-gcc} "$OPTIMIZE" -w -DCOLLAPSE -DVECTORSZ=512 -DMEMLIM="$MEMORY_MB" "${compile[@]}" -o pan pan.c); then
    echo "model.sh: $1 cannot be built" >&2
    cat "$dir/spin.log" >&2
    bad=1
    return
  fi
  SECONDS=0
  (cd "$dir" && timeout -k 5 "$LIMIT_S" ./pan -m2000000 "${run[@]}" >pan.log 2>&1 </dev/null)
  seconds=$SECONDS
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$dir/pan.log")
  case $(grep -E '^pan:1: |^error: |out of memory|too small' "$dir/pan.log" | head -1) in
  '') found=holds ;;
  *'acceptance cycle'* | *'invalid end state'*) found='an order never ends' ;;
  *'landed['*) if [ "$2" = landed ]; then found='two landed'; else found='not true'; fi ;;
  *assertion*) found='a promise broken' ;;
  *) found=unfinished ;;
  esac
  # Nothing counts as held that was not explored to its end.
  [ "$found" != holds ] || grep -q 'errors: 0' "$dir/pan.log" || found=unfinished
  result=ok
  [[ $found == "$5" ]] || result=WRONG bad=1
  printf '%-6s%-18s%-8s%12s states %4d s %5d MB  %s\n' "$result" "$1" "$2" "$states" "$seconds" \
    "$(sed -n 's/^ *\([0-9]*\)[0-9.]*\ttotal actual memory.*/\1/p' "$dir/pan.log")" "$found"
  [ "$result" = ok ] || tail -40 "$dir/pan.log" >&2
}

holds() { explore "$1" "$2" "$3" "$4" holds; }
one='-DCRASHES=1 -DWIPES=1 -DLOSSES=1 -DDOUBTS=0'
doubt='-DCRASHES=1 -DWIPES=0 -DLOSSES=0 -DDOUBTS=1 -DCANCELS=1'
unheard='-DCRASHES=0 -DWIPES=1 -DLOSSES=0 -DDOUBTS=1'
drain='-DDRAINS=1 -DCRASHES=0 -DWIPES=0 -DLOSSES=0 -DDOUBTS=0'
drain_crash='-DDRAINS=1 -DCRASHES=1 -DWIPES=0 -DLOSSES=0 -DDOUBTS=0'
drain_lost='-DDRAINS=1 -DCRASHES=0 -DWIPES=0 -DLOSSES=1 -DDOUBTS=0'
drain_doubt='-DDRAINS=1 -DCRASHES=0 -DWIPES=0 -DLOSSES=0 -DDOUBTS=1 -DCANCELS=1'
drain_wipe='-DDRAINS=1 -DCRASHES=0 -DWIPES=1 -DLOSSES=0 -DDOUBTS=0'
drains='-DDRAINS=2 -DCRASHES=0 -DWIPES=0 -DLOSSES=0 -DDOUBTS=0'

case ${1:-} in
quick)
  holds order safety order '-DCRASHES=1 -DWIPES=1 -DLOSSES=0 -DDOUBTS=0'
  holds order-ends ends order '-DCRASHES=1 -DWIPES=1 -DLOSSES=0 -DDOUBTS=0'
  holds unheard-ends ends order "$unheard"
  ;;
all)
  holds order-lost safety order '-DCRASHES=1 -DWIPES=1 -DLOSSES=1 -DDOUBTS=0'
  holds order-lost-ends ends order '-DCRASHES=1 -DWIPES=1 -DLOSSES=1 -DDOUBTS=0'
  holds order-doubt safety order '-DCRASHES=1 -DWIPES=1 -DLOSSES=0 -DDOUBTS=1 -DCANCELS=1'
  holds order-doubt-ends ends order '-DCRASHES=1 -DWIPES=1 -DLOSSES=0 -DDOUBTS=1 -DCANCELS=1'
  holds drain safety order "$drain"
  holds drain-ends ends order "$drain"
  for with in crash lost doubt wipe; do
    with_it=drain_$with
    holds "drain-$with" safety order "${!with_it}"
    holds "drain-$with-ends" ends order "${!with_it}"
  done
  holds drains safety order "$drains"
  holds drains-ends ends order "$drains"
  for m in NO_FENCE NO_WATERMARK SECOND_INTENT RELEASE_FORGETS SEND_FIRST; do
    explore "$m" landed order "-DONLY_LANDED -D$m $one" 'two landed'
  done
  explore DOUBT_IS_DONE landed order "-DONLY_LANDED -DDOUBT_IS_DONE $doubt" 'two landed'
  for m in CANCEL_OPEN NO_END; do explore "$m" safety order "-D$m $doubt" 'a promise broken'; done
  explore NO_OWN_SWEEP ends order "-DNO_OWN_SWEEP $unheard" 'an order never ends'
  for m in NO_EXPIRY NO_REAPER NO_SWEEPER; do explore "$m" ends order "-D$m $one" 'an order never ends'; done
  for m in CLAIM_KEPT CLOSE_FIRST NO_CLOSE; do
    explore "$m" safety order "-D$m $drain" 'a promise broken'
  done
  explore DRAIN_CLAIMS ends order "-DDRAIN_CLAIMS $drain" 'an order never ends'
  explore DRAIN_FORGETS landed order "-DONLY_LANDED -DRELEASE_FORGETS $drain" 'two landed'
  ;;
*) echo "usage: scripts/model.sh quick|all" >&2; exit 2 ;;
esac
exit "$bad"
