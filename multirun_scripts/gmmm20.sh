#!/usr/bin/env bash
# [GMMM20]: spiked covariates, and Fashion-MNIST with high-frequency noise; networks, their linearizations, kernels.
#
#   SIZE=small multirun_scripts/gmmm20.sh    n = 3000 and 4000, three draws of samples and weights
#   SIZE=medium multirun_scripts/gmmm20.sh   n = 20,000, ten hours of one core: a night of two
#   multirun_scripts/gmmm20.sh               d = 1024, n = 20,000 and 60,000 for the network; days on two cores
#   SIZE=tiny multirun_scripts/gmmm20.sh     seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
size="${SIZE:-paper}" runs="${LAZYREGIME_RUNS:-runs}" seeds=0,1,2 constants=1.0 short=()
case "$size" in
  tiny)
    seeds=0 spiked=(data.dimension=16 data.signal_dimension=4 data.n_train=60 data.n_validation=20 data.n_test=40)
    kappa=0.6 rf=20 nt=4
    noise=(data.n_train=40 data.n_test=30) tau=1.5 units=50 tangent=4 wide=() short=(width=8 trainer.max_epochs=1) ;;
  small)
    spiked=() kappa=0,0.15,0.3,0.45,0.6,0.75,0.9 rf=2000 nt=300
    noise=() tau=0,0.86,1.5,2.14,3 units=21000 tangent=273 wide=() ;;
  medium)
    spiked=(data.n_train=20000) kappa=0,0.45,0.9 rf=2000 nt=300
    noise=(data.n_train=20000 data.n_test=10000) tau=0,3,1.5 units=107042 tangent=1365 constants=0.125,0.5,2,8
    wide=(width=4096 trainer.max_epochs=30 optimizer=sgd optimizer.momentum=0.9) ;;
  paper)
    spiked=(data.dimension=1024 data.signal_dimension=16 data.n_train=20000)
    kappa=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9 rf=20000 nt=1000
    noise=(data.n_train=20000 data.n_test=10000) units=321126 tangent=4096
    constants=0.125,0.198425,0.31498,0.5,0.793701,1.259921,2,3.174802,5.039684,8
    tau=0,0.43,0.86,1.5,2.14,2.57,3
    wide=(data.n_train=60000 data.n_test=10000 width=4096 trainer.max_epochs=750) ;;
  *) echo "SIZE=$size is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
fit() { python -m lazyregime.fit -m "$@" seed=$seeds; }
net() { python -m lazyregime.train -m "$@" "${short[@]}" seed=$seeds; }
fit experiment=gmmm20_noise machine=krr_rf,krr_ntk data.tau=$tau "${noise[@]}"
# the paper's ridges, in the unit of these kernels
polynomial=("ridges=[0.1,1,10,1e2,1e3,1e4,1e5]" "${noise[@]}")
fit experiment=gmmm20_noise machine=linear data.tau=$tau "${polynomial[@]}"
# its constant is searched as theirs was, 2^linspace(-3, 3, 10) (every third of them at SIZE=medium); at SIZE=small it is 1
fit experiment=gmmm20_noise machine=quadratic machine.constant=$constants data.tau=$tau "${polynomial[@]}"
fit experiment=gmmm20_noise machine=rf width=$units precision=float32 data.tau=$tau "${noise[@]}"
fit experiment=gmmm20_noise machine=rf_nt width=$tangent data.tau=$tau "${noise[@]}"
net experiment=gmmm20_noise_net data.tau=$tau "${noise[@]}" "${wide[@]}"
fit experiment=gmmm20_spiked machine=krr_sphere,krr_ntk data.kappa=$kappa "${spiked[@]}"
fit experiment=gmmm20_spiked machine=rf machine.shift=0.5 width=$rf data.kappa=$kappa "${spiked[@]}"
fit experiment=gmmm20_spiked machine=nt machine.shift=0.5 width=$nt data.kappa=$kappa "${spiked[@]}"
net experiment=gmmm20_spiked_net data.kappa=$kappa "${spiked[@]}"
python -m lazyregime.report "$runs/gmmm20_spiked" "$runs/gmmm20_noise" --claims
