#!/usr/bin/env bash
# The table of docs/reliability.md: 800 faults at random moments, each followed by the same command. About an hour of
# one processor; it goes on where it stopped. As root, since it mounts small file systems.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/faults}
export PYTHONPATH=$PWD OMP_NUM_THREADS=1 WANDB_MODE=offline
python tests/faults/drive_faults.py --trials "${TRIALS:-800}" --out "$out" || true
python tests/faults/drive_faults.py --table --out "$out"
