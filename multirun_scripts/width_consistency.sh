#!/usr/bin/env bash
# Consistency over widths [VAB+23]: at laziness 1 (mup, mean field) networks of different widths say the same early in
# training; later the narrow ones are biased, on average over initializations too. Beside it alpha 1 (ntk).
#
#   SIZE=small multirun_scripts/width_consistency.sh   six minutes on one core (the default)
#   SIZE=medium multirun_scripts/width_consistency.sh  1000 points, widths to 1024, sixteen initializations: an evening
#                                                     of two cores, not timed yet
#   SIZE=paper multirun_scripts/width_consistency.sh   10,000 points, widths to 4096, sixteen initializations (a GPU)
#   SIZE=tiny multirun_scripts/width_consistency.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  tiny)
    widths=4 inits=0 early=1 late=2
    size=(data.n_train=20 data.n_test=20 ntk.anchors_per_class=5 ntk.n_test=10) ;;
  small) widths=16,32,64,128,256,512 inits="range(12)" early=10 late=200 size=() ;;
  medium) widths=16,32,64,128,256,512,1024 inits="range(16)" early=10 late=200 size=(data.n_train=1000 data.n_test=2000) ;;
  paper)
    widths=16,32,64,128,256,512,1024,4096 inits="range(16)" early=10 late=200
    size=(data.n_train=10000 data.n_test=10000) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
train=(python -m lazyregime.train -m experiment=width_consistency "${size[@]}" "init_seed=$inits" "width=$widths")
"${train[@]}" laziness=1 "optimizer.max_time=$early,$late" "$@" # mup
"${train[@]}" alpha=1 "optimizer.max_time=$late" "$@"          # ntk
python -m lazyregime.report "$runs"/width_consistency --claims
