#!/usr/bin/env bash
# The poster's whole table on a SLURM cluster: 3 MLPs and 4 CNNs, three seeds each, a GPU a run.
#
#   multirun_scripts/slurm_poster_table.sh hydra.launcher.partition=gpu hydra.launcher.account=me
#   SEEDS=0 TRAINER=poster LAUNCHER=slurm_cpu multirun_scripts/slurm_poster_table.sh
#
# Give it again after an interruption: what runs is waited for, what is complete is not repeated.
set -euo pipefail
SEEDS="${SEEDS:-0,1,2}" exec "$(dirname "$0")/poster_table.sh" "hydra/launcher=${LAUNCHER:-slurm}" "$@"
