#!/usr/bin/env bash
# Grokking as the passage from lazy to rich [KBGP24]: how long the test loss falls behind the training loss, by laziness;
# and the same with a weight decay that is co-scaled with alpha, mu / alpha, or not [SMO26].
#
#   SIZE=small multirun_scripts/grokking.sh   six minutes on one core (the default)
#   SIZE=medium multirun_scripts/grokking.sh  their own size, d = 100, 550 points, 500 units: an hour or two, not timed yet
#   SIZE=paper multirun_scripts/grokking.sh   the same with all of its scales and ten seeds (a GPU)
#   SIZE=tiny multirun_scripts/grokking.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
own=(width=500 data.dimension=100 data.n_train=550)
case "${SIZE:-small}" in
  tiny)
    scales=1 decayed=1 seeds=0
    size=(width=8 data.dimension=8 data.n_train=20
      data.n_test=20 ntk.anchors_per_class=10 ntk.n_test=20 optimizer.max_time=20) ;;
  small) scales=0.0625,0.25,1,4,16,64 decayed="1 4 16" seeds="range(5)" size=() ;;
  medium) scales=0.0625,0.25,1,4,16,64 decayed="1 4 16" seeds="range(5)" size=("${own[@]}") ;;
  paper) scales=0.03125,0.25,0.5,1,2,4,8,16,32 decayed="1 4 16" seeds="range(10)" size=("${own[@]}") ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
train=(python -m lazyregime.train -m experiment=grokking "${size[@]}" "seed=$seeds")
"${train[@]}" "laziness=$scales" "$@"
mu=0.001
for alpha in $decayed; do
  "${train[@]}" "laziness=$alpha" "optimizer.weight_decay=$(awk "BEGIN {print $mu / $alpha}")" "$@" # co-scaled
  if [ "$alpha" != 1 ]; then "${train[@]}" "laziness=$alpha" "optimizer.weight_decay=$mu" "$@"; fi
done
python -m lazyregime.report "$runs"/grokking --claims
