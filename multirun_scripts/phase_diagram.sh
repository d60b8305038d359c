#!/usr/bin/env bash
# The phase diagram of a CNN on CIFAR-10's animals against vehicles: verdict, error and turn over width and laziness.
#
#   SIZE=small multirun_scripts/phase_diagram.sh   half an hour on one core (the default)
#   SIZE=paper multirun_scripts/phase_diagram.sh   500 images, widths to 64 (a GPU)
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  small)
    widths=2,4,8,16 scales=0.1,1,10,100,1000
    size=(data.n_train=60 data.n_test=300 data.n_kernel=40 trainer.precision=float32 optimizer.max_steps=1000
      optimizer.together=never) ;;
  paper) widths=4,8,16,32,64 scales=0.1,1,3,10,30,100,1000 size=(data.n_train=500 data.n_test=2000) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=small or SIZE=paper." >&2; exit 2 ;;
esac
python -m lazyregime.train -m experiment=phase_diagram arch=cnn arch.depth=2 data=cifar10_pair "${size[@]}" \
  "width=$widths" "laziness=$scales" "$@"
python -m lazyregime.report "$runs"/phase_cnn_cifar10_pair
