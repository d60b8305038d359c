#!/usr/bin/env bash
# From feature learning to lazy on a SLURM cluster: eleven alphas, two widths, three seeds.
#
#   multirun_scripts/slurm_alpha_sweep.sh hydra.launcher.partition=gpu
#   ALPHAS=1,10 WIDTHS=256 SEEDS=0 LAUNCHER=slurm_cpu multirun_scripts/slurm_alpha_sweep.sh
#
# Give it again after an interruption: what runs is waited for, what is complete is not repeated.
set -euo pipefail
python -m lazyregime.train -m "hydra/launcher=${LAUNCHER:-slurm}" group=slurm_alpha regime=scaled "alpha=${ALPHAS:-0.01,0.03,0.1,0.3,1,3,10,30,100,300,1000}" \
  "width=${WIDTHS:-512,2048}" "seed=${SEEDS:-0,1,2}" "$@"
python -m lazyregime.report "${LAZYREGIME_RUNS:-runs}/slurm_alpha"
