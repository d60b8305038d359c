#!/usr/bin/env bash
# Balanced and unbalanced initializations [KRD+24]: the same function at w0, one layer of which learns faster.
#
#   SIZE=small multirun_scripts/balance.sh   a few minutes on one core (the default)
#   SIZE=paper multirun_scripts/balance.sh   width 1000, d = 100, more balances, ten seeds (a GPU)
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  small) balances=0.25,1,4 scales=0.1,1,10 seeds="range(5)" size=() ;;
  paper)
    balances=0.1,0.25,0.5,1,2,4,10 scales=0.01,0.1,1,10,100 seeds="range(10)"
    size=(width=1000 data.dimension=100 data.n_train=1000) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=small or SIZE=paper." >&2; exit 2 ;;
esac
for experiment in balance balance_linear; do
  python -m lazyregime.train -m experiment="$experiment" "${size[@]}" "arch.balance=$balances" "laziness=$scales" \
    "seed=$seeds" "$@"
done
python -m lazyregime.report "$runs"/balance --claims
