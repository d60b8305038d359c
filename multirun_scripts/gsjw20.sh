#!/usr/bin/env bash
# Feature against lazy training over width and laziness: figures 3, 4 and 5 of [GSJW20], and the phase diagram; dense and
# convolutional networks on CIFAR-10, components made in each published way, and the kernel of ReLU networks.
#
#   SIZE=small multirun_scripts/gsjw20.sh   widths 32 to 128, 300 points, eight seeds; CIFAR-10: half an hour on one core (the default)
#   SIZE=medium multirun_scripts/gsjw20.sh  widths 32 to 512, 1000 points, three seeds: meant for a night of two cores, not timed yet
#   SIZE=paper multirun_scripts/gsjw20.sh   widths 30 to 3000, 5000 points, the paper's step bound: a GPU
#   SIZE=tiny multirun_scripts/gsjw20.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}" ways="points whitened scaled" components=() components_points=100 components_laziness=1,10000
case "${SIZE:-small}" in
  tiny)
    widths=8 laziness=1,100 seeds=0
    extra=(data.n_train=30 data.n_test=50 data.n_kernel=10 arch.depth=1 optimizer.max_steps=30)
    images=(data.n_train=30 data.n_test=20 data.n_kernel=10 ntk.n_test=10 trainer.max_epochs=1)
    image_laziness=1 dense=8 cnn=2 image_seeds=0 ways=whitened components_points=20 components_laziness=1
    relu_width=8 relu_points=20 relu_laziness=100 ;;
  small)
    widths=32,64,128 laziness=0.01,0.1,1,10,30,100,300,1000,10000 seeds=0,1,2,3,4,5,6,7 extra=()
    images=() image_laziness=1,30,1000 dense=256 cnn=16 image_seeds=0,1,2,3,4
    relu_width=64 relu_points=100 relu_laziness=100,1e3,1e4,1e5,1e6 ;;
  medium)
    widths=32,128,512 laziness=0.01,0.1,1,10,100,1000,10000 seeds=0,1,2 extra=(data.n_train=1000)
    images=(data.n_train=2000 data.n_test=10000) image_laziness=0.1,1,10,30,100,1000 dense=1024 cnn=32 image_seeds=0,1,2
    relu_width=128 relu_points=300 relu_laziness=100,1e3,1e4,1e5,1e6 components_points=300 ;;
  paper)
    widths=30,100,300,1000,3000 laziness=1e-4,1e-3,1e-2,1e-1,1,3,10,30,100,300,1e3,1e4,1e5,1e6 seeds="range(20)"
    extra=(data.n_train=5000 data.n_test=50000 optimizer.max_dgrad=1e-4)
    components=(data.n_test=40000)  # there are 24,000 vehicles, and the two sides are equally many
    images=(data.n_train=5000 data.n_test=40000 trainer.batch_size=64 trainer.max_epochs=400 trainer.precision=float64)
    image_laziness=$laziness dense=1000 cnn=100 image_seeds="range(10)"
    relu_width=100 relu_points=5000 relu_laziness=100,1e3,1e4,1e5,1e6 components_points=5000 ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
train=(python -m lazyregime.train -m experiment=gsjw20 "${extra[@]}" "$@")
for width in ${widths//,/ }; do
  "${train[@]}" "width=$width" "laziness=$laziness" "init_seed=$seeds"
  "${train[@]}" "width=$width" regime=lazy optimizer.dual=true "init_seed=$seeds"
done
image=(python -m lazyregime.train -m experiment=gsjw20_cifar "${images[@]}" "laziness=$image_laziness" "init_seed=$image_seeds" "$@")
"${image[@]}" arch=mlp "width=$dense"
"${image[@]}" arch=cnn "width=$cnn"
for way in $ways; do
  "${train[@]}" data=cifar10_pair data.components=10 data.in_features=10 "data.pca=$way" "data.n_train=$components_points" "${components[@]}" \
    "width=$relu_width" "laziness=$components_laziness" "init_seed=$image_seeds" group=gsjw20_pca "tags=[gsjw20_pca]"
done
"${train[@]}" arch.activation=relu optimizer.max_dgrad=0.1 "width=$relu_width" "data.n_train=$relu_points" \
  "laziness=$relu_laziness" "init_seed=$image_seeds" group=gsjw20_relu "tags=[gsjw20_relu]"
python -m lazyregime.report "$runs"/gsjw20 "$runs"/gsjw20_cifar "$runs"/gsjw20_pca "$runs"/gsjw20_relu --claims
