#!/usr/bin/env bash
# [GMMM19]: what N units (n infinite) and n samples (N infinite) learn on the sphere, and a single neuron.
#
#   SIZE=small multirun_scripts/gmmm19.sh    d = 20 and 30
#   multirun_scripts/gmmm19.sh               d = 50 as well
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
size="${SIZE:-paper}" runs="${LAZYREGIME_RUNS:-runs}" seeds=0,1,2
fit() { python -m lazyregime.fit -m "$@"; }
case "$size" in
  small | paper) ;;
  *) echo "SIZE=$size is not known; use SIZE=small or SIZE=paper." >&2; exit 2 ;;
esac
# N or n = d^0.5, d^0.75, .. , d^2.5; tangent features only to N d = 8000
fit experiment=gmmm19_units data.dimension=20 width=4,9,20,42,89,190,400,847,1789 seed=$seeds
fit experiment=gmmm19_units data.dimension=30 width=5,13,30,70,164,385,900,2107,4930 seed=$seeds
fit experiment=gmmm19_units machine=nt data.dimension=20 width=4,9,20,42,89,190,400 seed=$seeds
fit experiment=gmmm19_units machine=nt data.dimension=30 width=5,13,30,70,164,260 seed=$seeds
fit experiment=gmmm19_samples data.dimension=20 data.n_train=4,9,20,42,89,190,400,847,1789 seed=$seeds
fit experiment=gmmm19_samples data.dimension=30 data.n_train=5,13,30,70,164,385,900,2107,4930 seed=$seeds
# relu without a shift has no odd degree above one, whatever N
fit experiment=gmmm19_units data.dimension=20 machine.shift=0.0 "data.target_powers=[0.0,0.0,0.0,1.0]" \
  width=89,400,1789 seed=$seeds
fit experiment=gmmm19_neuron machine=rf width=30,164,900 seed=$seeds
fit experiment=gmmm19_neuron machine=nt width=30,164 seed=$seeds
python -m lazyregime.train -m experiment=gmmm19_neuron_net seed=$seeds
if [ "$size" = paper ]; then
  fit experiment=gmmm19_units data.dimension=50 width=7,19,50,133,354,940,2500,6646 seed=$seeds
  fit experiment=gmmm19_units machine=nt data.dimension=50 width=7,19,50,133,160 seed=$seeds
  fit experiment=gmmm19_samples data.dimension=50 data.n_train=7,19,50,133,354,940,2500,6648 seed=$seeds
fi
python -m lazyregime.report "$runs/gmmm19" --claims
