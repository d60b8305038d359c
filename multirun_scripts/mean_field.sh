#!/usr/bin/env bash
# The two-layer study of docs/two_layer.md: particles under both scalings, their limits, and the claims about them.
# SIZE=paper (the default) takes less than 20 minutes on two cores, and so is SIZE=medium; SIZE=tiny takes seconds, to see it work.
set -euo pipefail

smooth=32,64,128,256,512,1024 quadratic=32,64,128,256 limit=1024 cloud=400 few=()
case "${SIZE:-paper}" in
  medium | paper) widths=32,64,128,256,512,1024,2048,4096 narrower=32,64,128,256,512,1024,2048 reference=8192 seeds=10 particles=800 ;;
  tiny) widths=8,16 narrower=8,16 reference=32 seeds=2 particles=20 smooth=8,16 quadratic=8,16 limit=32 cloud=20
    few=(in_features=3 n_samples=20 end_time=1 num_cells=100) ;;
  small) widths=32,64,128,256,512,1024 narrower=32,64,128,256,512 reference=2048 seeds=4 particles=800 ;;
  *) echo "SIZE=$SIZE is not known; use SIZE=tiny, SIZE=small, SIZE=medium or SIZE=paper." >&2; exit 2 ;;
esac
flow() { python -m lazyregime.flow group=mean_field num_seeds="$seeds" "$@" "${few[@]}"; }

flow widths="[$widths]" reference_width="$reference"
flow widths="[$narrower]" reference_width=null init=one_sided scaling=ntk
flow widths="[$smooth]" reference_width=null init=one_sided scaling=ntk activation=softplus end_time=20 \
  integrator.rtol=1e-5 integrator.atol=1e-7
flow widths="[$smooth]" reference_width=null activation=relu integrator=euler integrator.step=0.1 scaling=ntk \
  num_times=15
flow target=two_gaussians activation=mmn18 init=mmn18 trained=w integrator=sgd scaling=mean_field \
  integrator.step=0.001 widths="[$particles]" reference_width=null in_features=40 n_samples=400 end_time=3 first_time=0.01
flow target=quadratic activation=quadratic widths="[$quadratic]" reference_width="$limit" end_time=10
flow in_features=2 widths="[$cloud]" reference_width=null num_snapshots=40 num_times=40 activation=relu \
  integrator=euler
python -m lazyregime.report "${LAZYREGIME_RUNS:-runs}/mean_field" --claims
