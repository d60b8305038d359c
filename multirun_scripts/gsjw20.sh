#!/usr/bin/env bash
# Feature against lazy training over width and laziness: figures 3, 4 and 5 of [GSJW20], and the phase diagram.
#
#   SIZE=small multirun_scripts/gsjw20.sh   widths 32 to 128, 300 points, eight seeds: eight minutes on one core (the default)
#   SIZE=medium multirun_scripts/gsjw20.sh  widths 32 to 512, 1000 points, three seeds: meant for a night of two cores, not timed yet
#   SIZE=paper multirun_scripts/gsjw20.sh   widths 30 to 3000, 5000 points, the paper's step bound: a GPU
#   SIZE=tiny multirun_scripts/gsjw20.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  tiny)
    widths=8 laziness=1,100 seeds=0
    extra=(data.n_train=30 data.n_test=50 data.n_kernel=10 arch.depth=1 optimizer.max_steps=30) ;;
  small)
    widths=32,64,128 laziness=0.01,0.1,1,10,30,100,300,1000,10000 seeds=0,1,2,3,4,5,6,7 extra=() ;;
  medium)
    widths=32,128,512 laziness=0.01,0.1,1,10,100,1000,10000 seeds=0,1,2 extra=(data.n_train=1000) ;;
  paper)
    widths=30,100,300,1000,3000 laziness=1e-4,1e-3,1e-2,1e-1,1,3,10,30,100,300,1e3,1e4,1e5,1e6 seeds="range(20)"
    extra=(data.n_train=5000 data.n_test=50000 optimizer.max_dgrad=1e-4) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
train=(python -m lazyregime.train -m experiment=gsjw20 "${extra[@]}" "$@")
for width in ${widths//,/ }; do
  "${train[@]}" "width=$width" "laziness=$laziness" "init_seed=$seeds"
  "${train[@]}" "width=$width" regime=lazy optimizer.dual=true "init_seed=$seeds"
done
python -m lazyregime.report "$runs/gsjw20" --claims
