"""Many gradient flows at once against one by one: the ratio over sizes, on this machine's processor or GPU.

    python benchmarks/ensembles.py [--members 20] [--depth 3] [--rounds 9] [--device cpu] [--sizes 100,10,64 ...]

A step is an accepted or refused attempt of every member: forward, backward, the bounds, the move. It is timed

    loop       with `flows.GradientFlow`, the optimizer, on each network in turn, as one trains them one by one;
    one by one with the flow engine, a member at a time: what the rule falls back on;
    batched    with all members in one batch;
    chosen     as the measured rule has it (lazyregime/gradient_flow/grouping.py).

Medians of rounds in turns. Targets: loop / chosen >= 5 at width 100, d = 10, batch 64, float32 and 20 members on two
cores (>= 10 on a GPU); one by one / chosen >= 0.95 everywhere.
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F

from lazyregime.gradient_flow import FlowProblem, FlowSettings, GradientFlow, NetworkFunction, attempt
from lazyregime.gradient_flow.step import begin
from lazyregime.networks import MLP

SIZES = ((100, 10, 64), (100, 10, 256), (100, 10, 1024), (30, 10, 64), (300, 10, 64), (300, 10, 1024), (100, 784, 64),
         (100, 784, 1000), (100, 784, 10_000))  # fmt: skip
SETTINGS = FlowSettings(max_dgrad=1.0, max_dout=1e9, initial_step=1e-6, max_steps=10**9)  # every attempt is accepted


def loss(outputs, labels):
    """The loss of the project's flows, softhinge with beta 20."""
    signs = 2 * labels[:, None] - 1
    return F.softplus(1 - outputs * signs, beta=20).sum(1).mean()


def by_optimizer(networks, x, y):
    """One step of each network's own optimizer, in turn."""
    latest = {}

    def closure_of(network, optimizer):
        def closure():
            optimizer.zero_grad()
            latest["outputs"] = network(x)
            value = loss(latest["outputs"], y)
            value.backward()
            return value

        return closure

    pairs = []
    for network in networks:
        optimizer = GradientFlow(network.parameters(), settings=SETTINGS, outputs=lambda: latest["outputs"])
        pairs.append((optimizer, closure_of(network, optimizer)))

    def step():
        for optimizer, closure in pairs:
            optimizer.step(closure)

    return step


def by_engine(networks, x, y, at_once, apart):
    """One attempt of all members: in one ensemble, or `apart`, each an ensemble of its own."""
    parts = [[network] for network in networks] if apart else [networks]
    flows = []
    for part in parts:
        params = [torch.stack(ps).detach() for ps in zip(*(list(m.parameters()) for m in part), strict=True)]
        function = NetworkFunction(part[0], x, params, at_once=at_once)
        alpha = torch.ones(len(part), dtype=x.dtype, device=x.device)
        problem = FlowProblem(function, y.expand(len(part), -1), alpha, loss)
        flows.append([begin(problem, params, SETTINGS), problem])

    def step():
        for flow in flows:
            flow[0] = attempt(flow[0], flow[1], SETTINGS)

    return step


def measure(steps, rounds, device):
    """Median seconds of each, taken in turns."""
    seconds = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--sizes", nargs="+", metavar="WIDTH,D,BATCH", help="instead of the usual ones")
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split(","))) for size in options.sizes] if options.sizes else SIZES
    print(f"{options.members} members, depth {options.depth}, float32, {options.device}, "
          f"{torch.get_num_threads()} threads, torch {torch.__version__}")  # fmt: skip
    print("width    d   batch | loop ms  one by one  batched  chosen | loop/chosen  loop/batched  one by one/chosen")
    for width, d, batch in sizes:
        torch.manual_seed(0)
        x, y = torch.randn(batch, d, device=options.device), torch.arange(batch, device=options.device) % 2
        networks = [
            MLP(width, depth=options.depth, in_features=d, n_outputs=1, parameterization="ntk").to(options.device)
            for _ in range(options.members)
        ]
        steps = {
            "loop": by_optimizer(networks, x, y),
            "apart": by_engine(networks, x, y, None, True),
            "batched": by_engine(networks, x, y, options.members, False),
            "chosen": by_engine(networks, x, y, None, False),
        }
        ms = {name: 1e3 * s for name, s in measure(steps, options.rounds, options.device).items()}
        print(
            f"{width:5} {d:4} {batch:7} | {ms['loop']:7.2f} {ms['apart']:11.2f} {ms['batched']:8.2f} "
            f"{ms['chosen']:7.2f} | {ms['loop'] / ms['chosen']:11.2f} {ms['loop'] / ms['batched']:13.2f} "
            f"{ms['apart'] / ms['chosen']:18.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
