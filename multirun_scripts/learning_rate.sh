#!/usr/bin/env bash
# Richness x learning rate [AMSP25]: the largest stable and the best learning rate over laziness, for two depths or more.
#
#   SIZE=small multirun_scripts/learning_rate.sh    ten minutes on one core (the default)
#   SIZE=medium multirun_scripts/learning_rate.sh   three depths, half decades of laziness, five seeds, 1000 steps: an evening, not timed
#   SIZE=paper multirun_scripts/learning_rate.sh    width 1000, d = 100, 3000 steps, four depths (a GPU, not run yet)
#   SIZE=tiny multirun_scripts/learning_rate.sh     seconds, to see it work
#
# Learning rates are powers of two, so wide that training diverges at the upper end of each row of the diagram.
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
powers() { awk -v a="$1" -v b="$2" 'BEGIN { for (k = a; k <= b; k++) printf "%s%.10g", (k > a ? "," : ""), 2^k }'; }
case "${SIZE:-small}" in
  tiny)
    depths=1 scales=0.1,10 seeds=0 rates=1,64
    size=(width=8 data.n_train=200 data.n_test=20 trainer.batch_size=20 ntk.anchors_per_class=10 ntk.n_test=10) ;;
  small)
    depths=1,2 scales=0.001,0.01,0.1,1,10,100,1000 seeds="range(3)" rates=$(powers -16 6) size=() ;;
  medium)
    depths=1,2,3 scales=0.001,0.003,0.01,0.03,0.1,0.3,1,3,10,30,100,300,1000 seeds="range(5)" rates=$(powers -20 8)
    size=(width=128 data.n_train=100000) ;;
  paper)
    depths=1,2,3,4 scales=0.0001,0.001,0.01,0.1,1,10,100,1000 seeds="range(5)" rates=$(powers -26 10)
    size=(width=1000 data.dimension=100 data.n_train=3000000 trainer.batch_size=1000) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
python -m lazyregime.train -m experiment=learning_rate "${size[@]}" "arch.depth=$depths" "laziness=$scales" \
  "lr=$rates" "seed=$seeds" "$@"
python -m lazyregime.report "$runs"/learning_rate --claims
