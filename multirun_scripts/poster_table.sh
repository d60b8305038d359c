#!/usr/bin/env bash
# The poster's table: kernel accuracy at initialization (Lazy), after training (Feature), and the network (Regular).
#
#   multirun_scripts/poster_table.sh              the full table: MLP 1024, 2048, 4096; CNN 32, 64, 128, 256 (a GPU)
#   SIZE=small multirun_scripts/poster_table.sh   MLP 1024, 2048; CNN 32: half an hour on two cores
#   SIZE=medium multirun_scripts/poster_table.sh  MLP 1024 to 4096; CNN 32, 64: meant for a night of two cores, not timed yet
#   SIZE=tiny multirun_scripts/poster_table.sh    seconds, to see it work
#   SEEDS=0,1,2 ...                               several seeds
#   TRAINER=poster ...                            the poster's own schedule: batch 32, up to 100 epochs
#
# Give it again after an interruption: what is complete is not repeated.
set -euo pipefail
size="${SIZE:-paper}" seeds="${SEEDS:-0}" trainer="${TRAINER:-default}"
runs="${LAZYREGIME_RUNS:-runs}" few=()
case "$size" in
  tiny) mlp=8 cnn=2 few=(data.n_train=100 data.n_test=50 ntk.anchors_per_class=3 ntk.n_test=50 trainer.max_epochs=1) ;;
  small) mlp=1024,2048 cnn=32 ;;
  medium) mlp=1024,2048,4096 cnn=32,64 ;;
  paper) mlp=1024,2048,4096 cnn=32,64,128,256 ;;
  *) echo "SIZE=$size is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
python -m lazyregime.train -m experiment=poster_table "width=$mlp" "seed=$seeds" "trainer=$trainer" "${few[@]}" "$@"
python -m lazyregime.train -m experiment=poster_table_cnn "width=$cnn" "seed=$seeds" "trainer=$trainer" "${few[@]}" "$@"
python -m lazyregime.report "$runs/poster"
