#!/usr/bin/env bash
# Lazy training by scale, and the teacher-student problem: [COB19], section 3.
#
#   SIZE=small multirun_scripts/cob19.sh   20 minutes on one core (the default), of which a narrow VGG on CIFAR-10 takes ten
#   SIZE=medium multirun_scripts/cob19.sh  d = 100, 1000 points, three trials; a narrow CNN on CIFAR-10: meant for a night of two cores, not timed yet
#   SIZE=paper multirun_scripts/cob19.sh   d = 100, 1000 points, ten trials; CIFAR-10 (a GPU)
#   SIZE=tiny multirun_scripts/cob19.sh    seconds, to see it work
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
runs="${LAZYREGIME_RUNS:-runs}"
case "${SIZE:-small}" in
  tiny)
    alphas=10 seeds=0 scales=1 widths=4 trials=0
    image=(width=8 arch.depth=1 data.n_train=20 data.n_test=20 ntk.anchors_per_class=5 ntk.n_test=20 optimizer.max_steps=20)
    teacher=(data.dimension=5 data.n_train=20 optimizer.max_steps=20)
    vgg_alphas=10 vgg_seeds=0
    vgg=(width=2 data.n_train=60 data.n_test=20 ntk.anchors_per_class=1 ntk.n_test=10 trainer.max_epochs=1) ;;
  small)
    alphas=0.1,0.3,1,3,10,30,100,1000 seeds=0,1,2,3,4 scales=0.01,0.1,1,10,100
    widths=4,8,16,32,64 trials=0,1,2,3,4 image=() teacher=() vgg_alphas=0.1,1,10,100 vgg_seeds=0,1,2 vgg=() ;;
  medium)
    alphas=0.1,1,10,100,1e3,1e4 seeds=0,1,2 scales=0.01,0.1,1,10,100 widths=4,8,16,32,64,128 trials=0,1,2
    image=(data=cifar10_pair arch=cnn width=16)
    teacher=(data.dimension=100 data.n_train=1000)
    vgg_alphas=0.01,0.1,1,10,100,1e3 vgg_seeds=0,1,2
    vgg=(width=16 data.n_train=5000 data.n_test=10000 trainer.max_epochs=30 trainer.precision=float64) ;;
  paper)
    alphas=0.01,0.1,0.5,1,5,10,100,1e3,1e4,1e5,1e6,1e7 seeds="range(5)" scales=1e-4,1e-3,1e-2,1e-1,1,10,100
    widths=2,3,4,6,8,12,16,24,32,64,128,256,512 trials="range(10)"
    image=(data=cifar10_pair arch=cnn width=64)
    teacher=(data.dimension=100 data.n_train=1000 optimizer.max_steps=25000)
    vgg_alphas=$alphas vgg_seeds=0
    vgg=(trainer.precision=float64 width=64 lr=0.2,0.02,0.002,0.0002 arch.xavier_gain=1 data.n_train=50000 data.n_test=10000 trainer.max_epochs=100) ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
train=(python -m lazyregime.train -m)
"${train[@]}" experiment=cob19_alpha "${image[@]}" "alpha=$alphas" "init_seed=$seeds" "$@"
"${train[@]}" experiment=cob19_alpha "${image[@]}" regime=lazy "init_seed=$seeds" "$@"
"${train[@]}" experiment=cob19_teacher "${teacher[@]}" "alpha=$scales" "seed=$trials" "$@"
"${train[@]}" experiment=cob19_teacher "${teacher[@]}" alpha=1 parameterization=ntk,mean_field "width=$widths" "seed=$trials" "$@"
"${train[@]}" experiment=cob19_vgg "${vgg[@]}" "alpha=$vgg_alphas" "init_seed=$vgg_seeds" "$@"
"${train[@]}" experiment=cob19_vgg "${vgg[@]}" regime=lazy "init_seed=$vgg_seeds" "$@"
python -m lazyregime.report "$runs"/cob19_alpha "$runs"/cob19_teacher "$runs"/cob19_vgg --claims
