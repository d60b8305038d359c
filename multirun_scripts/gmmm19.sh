#!/usr/bin/env bash
# [GMMM19]: what N units (n infinite) and n samples (N infinite) learn on the sphere, and a single neuron.
#
#   SIZE=small multirun_scripts/gmmm19.sh    d = 20 and 30
#   multirun_scripts/gmmm19.sh               d = 50 as well (SIZE=paper, which SIZE=medium is too)
#   SIZE=tiny multirun_scripts/gmmm19.sh     seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
size="${SIZE:-paper}" runs="${LAZYREGIME_RUNS:-runs}" seeds=0,1,2
# N or n = d^0.5, d^0.75, .. , d^2.5; tangent features only to N d = 8000
all20=4,9,20,42,89,190,400,847,1789 tangent20=4,9,20,42,89,190,400
all30=5,13,30,70,164,385,900,2107,4930 tangent30=5,13,30,70,164,260
unshifted=89,400,1789 neuron_rf=30,164,900 neuron_nt=30,164 points=() net=()
case "$size" in
  tiny)
    seeds=0 all20=9 tangent20=4 all30=13 tangent30=5 unshifted=9 neuron_rf=5 neuron_nt=5
    points=(data.n_test=100) net=(width=8 data.n_train=100 data.n_test=100 trainer.max_epochs=1) ;;
  small | medium | paper) ;;
  *) echo "SIZE=$size is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
fit() { python -m lazyregime.fit -m "$@"; }
fit experiment=gmmm19_units data.dimension=20 width=$all20 seed=$seeds
fit experiment=gmmm19_units data.dimension=30 width=$all30 seed=$seeds
fit experiment=gmmm19_units machine=nt data.dimension=20 width=$tangent20 seed=$seeds
fit experiment=gmmm19_units machine=nt data.dimension=30 width=$tangent30 seed=$seeds
fit experiment=gmmm19_samples data.dimension=20 data.n_train=$all20 "${points[@]}" seed=$seeds
fit experiment=gmmm19_samples data.dimension=30 data.n_train=$all30 "${points[@]}" seed=$seeds
# relu without a shift has no odd degree above one, whatever N
fit experiment=gmmm19_units data.dimension=20 machine.shift=0.0 "data.target_powers=[0.0,0.0,0.0,1.0]" \
  width=$unshifted seed=$seeds
fit experiment=gmmm19_neuron machine=rf width=$neuron_rf seed=$seeds
fit experiment=gmmm19_neuron machine=nt width=$neuron_nt seed=$seeds
python -m lazyregime.train -m experiment=gmmm19_neuron_net "${net[@]}" seed=$seeds
if [ "$size" = paper ] || [ "$size" = medium ]; then
  fit experiment=gmmm19_units data.dimension=50 width=7,19,50,133,354,940,2500,6646 seed=$seeds
  fit experiment=gmmm19_units machine=nt data.dimension=50 width=7,19,50,133,160 seed=$seeds
  fit experiment=gmmm19_samples data.dimension=50 data.n_train=7,19,50,133,354,940,2500,6648 seed=$seeds
fi
python -m lazyregime.report "$runs/gmmm19" --claims
