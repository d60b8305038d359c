#!/usr/bin/env bash
# The two-layer study of docs/two_layer.md: particles under both scalings, their limits, and the claims about them.
# SIZE=paper (the default) takes less than 20 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${SIZE:-paper}" in
  paper) widths=32,64,128,256,512,1024,2048,4096 narrower=32,64,128,256,512,1024,2048 reference=8192 seeds=10 particles=800 ;;
  small) widths=32,64,128,256,512,1024 narrower=32,64,128,256,512 reference=2048 seeds=4 particles=800 ;;
  *) echo "SIZE is small or paper" >&2; exit 2 ;;
esac
flow() { python -m lazyregime.flow group=mean_field num_seeds="$seeds" "$@"; }

flow widths="[$widths]" reference_width="$reference"
flow widths="[$narrower]" reference_width=null init=one_sided scaling=ntk
flow widths=[32,64,128,256,512,1024] reference_width=null init=one_sided scaling=ntk activation=softplus end_time=20 \
  integrator.rtol=1e-5 integrator.atol=1e-7
flow widths=[32,64,128,256,512,1024] reference_width=null activation=relu integrator=euler integrator.step=0.1 scaling=ntk \
  num_times=15
flow target=two_gaussians activation=mmn18 init=mmn18 trained=w integrator=sgd scaling=mean_field \
  integrator.step=0.001 widths="[$particles]" reference_width=null in_features=40 n_samples=400 end_time=3 first_time=0.01
flow target=quadratic activation=quadratic widths=[32,64,128,256] reference_width=1024 end_time=10
flow in_features=2 widths="[400]" reference_width=null num_snapshots=40 num_times=40 activation=relu \
  integrator=euler
python -m lazyregime.report "${LAZYREGIME_RUNS:-runs}/mean_field" --claims
