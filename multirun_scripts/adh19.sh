#!/usr/bin/env bash
# [ADH+19]: exact kernels of infinitely wide networks on few samples, beside a finite network and its own kernel.
#
#   SIZE=small multirun_scripts/adh19.sh     MNIST and Fashion-MNIST, n = 300, 1000, 3000
#   SIZE=medium multirun_scripts/adh19.sh    n to 10,000, and CNTK-V on 10,000 images of CIFAR-10: five hours of two cores
#   multirun_scripts/adh19.sh                and all of CIFAR-10: a GPU
#   SIZE=tiny multirun_scripts/adh19.sh      seconds, to see it work
#
# Images and weights are drawn three times, for the largest n once.
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
size="${SIZE:-paper}" runs="${LAZYREGIME_RUNS:-runs}" seeds=0,1,2 few=() short=() depths=2,3,5 pairs=1000
case "$size" in
  tiny)
    cifar=8 depths=1 pairs=8 n=40 largest=40 cntk=12 draws=0 sets=mnist seeds=0 few=(data.n_test=20)
    short=(data.n_test=20 width=8 trainer.max_epochs=1) ;;
  small) cifar="" n=300,1000 largest=3000 cntk=300 draws=0 sets=mnist,fashion_mnist ;;
  medium) cifar=10000 n=300,1000,3000 largest=10000 cntk=300,1000 draws=0 sets=mnist,fashion_mnist ;;
  paper) cifar=50000 n=300,1000,3000 largest=10000 cntk=300,1000,3000 draws=$seeds sets=mnist,fashion_mnist ;;
  *) echo "SIZE=$size is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
fit() { python -m lazyregime.fit -m experiment=adh19 "${few[@]}" "$@"; }
net() { python -m lazyregime.train -m experiment=adh19_net "${short[@]}" "$@"; }
fit data=$sets data.n_train=$n seed=$seeds
fit data=$sets data.n_train=$largest
fit machine=cntk data=$sets data.n_train=$cntk seed=$draws
net data=$sets data.n_train=$n seed=$seeds
net data=$sets data.n_train=$largest
# CNTK-V as published: zero padding, no bias, depths (convolutions and a readout) 3, 4, 6; and beside its Gaussian process
cifar() {
  fit machine=cntk machine.padding=same machine.bias=false machine.dtype=float32 data=cifar10 data.normalization=adh19 "$@"
}
if [ -n "$cifar" ]; then
  cifar "machine.depth=$depths" "data.n_train=$cifar"
  cifar machine.which=ntk,nngp machine.depth=2 "data.n_train=$pairs" "seed=$seeds"
fi
# in float32 the kernel's smallest eigenvalues after training are rounding from n = 3000 on
for run in "$runs"/adh19/regular-mlp-*; do
  set_name=mnist samples="${run##*-n}" samples="${samples%%-*}" seed="${run##*-s}"
  case "$run" in *fashion_mnist*) set_name=fashion_mnist ;; *cifar10*) set_name=cifar10 ;; esac
  fit machine=empirical_ntk "machine.run=$run" machine.at=init,last \
    data=$set_name data.n_train=$samples "seed=${seed%%-*}" machine.dtype=float64 "ridges=[1e-6]"
done
python -m lazyregime.report "$runs/adh19" --claims
