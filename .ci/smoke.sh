#!/usr/bin/env bash
# Each command once on a toy, and the package from Python with a network of one's own, in the environment that is active.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export WANDB_MODE=offline LAZYREGIME_RUNS="$folder/runs"
toy=(data=sphere data.n_train=100 data.n_test=50 loss=mse width=16 arch.depth=1 trainer.max_epochs=2
  ntk.anchors_per_class=4 ntk.n_test=20 group=smoke)
lazyregime() { local command="$1"; shift; python -m "lazyregime.$command" "$@" > output 2>&1 || { cat output; exit 1; }; }

lazyregime train "${toy[@]}"
lazyregime train "${toy[@]}" optimizer=gradient_flow optimizer.margin=null optimizer.max_steps=30 tracking=tensorboard
lazyregime train "${toy[@]}" -m regime=lazy seed=0,1 hydra/launcher=joblib tracking=csv
lazyregime fit data=sphere data.n_train=100 data.n_test=50 group=smoke
lazyregime flow 'widths=[8,16]' num_seeds=2 end_time=2 group=smoke
python - <<'PYTHON'
import lazyregime
from torch import nn

settings = ("data=modular_addition", "data.modulus=7", "data.terms=2", "data.n_train=30", "data.n_test=19", "trainer.max_epochs=2", "ntk.anchors_per_class=1", "ntk.n_test=5",
            "tracking=csv", "group=smoke", "name=own")
network = nn.Sequential(nn.Embedding(7, 8), nn.Flatten(), nn.Tanh(), nn.Linear(16, 7))
assert lazyregime.run(*settings, network=network, quiet=True)["verdict"] is not None
PYTHON
lazyregime report runs/smoke
lazyregime sweeps status runs/smoke
lazyregime sweeps verify runs/smoke
grep -q "^7 runs verified: 0 damaged files" output || { cat output; exit 1; }
test -s runs/report/report.html || test -s runs/smoke/report/report.html
