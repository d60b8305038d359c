#!/usr/bin/env bash
# Silent alignment [ABP21]: the kernel aligns with the labels before the loss falls, the smaller the scale the more.
#
#   SIZE=small multirun_scripts/silent_alignment.sh   a few minutes on one core (the default)
#   SIZE=medium multirun_scripts/silent_alignment.sh  d = 30, 300 points, width 300, five seeds: meant for an evening of two cores, not timed yet
#   SIZE=paper multirun_scripts/silent_alignment.sh   d = 30, 1000 points, width 1000, ten seeds (a GPU)
#   SIZE=tiny multirun_scripts/silent_alignment.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  tiny)
    scales=0.1 seeds=0
    size=(width=8 data.n_train=20 data.n_test=20 ntk.anchors_per_class=20 optimizer.max_steps=50) ;;
  small) scales=0.01,0.1,1,100 seeds="range(5)" size=() ;;
  medium)
    scales=0.001,0.01,0.1,1,10,100 seeds="range(5)"
    size=(width=300 data.dimension=30 data.n_train=300 ntk.anchors_per_class=300) ;;
  paper)
    scales=0.001,0.01,0.1,1,10,100 seeds="range(10)"
    size=(width=1000 data.dimension=30 data.n_train=1000 ntk.anchors_per_class=1000) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
python -m lazyregime.train -m experiment=silent_alignment "${size[@]}" "laziness=$scales" "seed=$seeds" "$@"
python -m lazyregime.report "$runs"/silent_alignment --claims
