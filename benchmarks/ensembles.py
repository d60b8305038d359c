"""Many gradient flows at once against one by one: the ratio over sizes, on this machine's processor or GPU.

    python benchmarks/ensembles.py [--members 20] [--depth 3] [--rounds 9] [--device cpu] [--sizes 100,10,64 ...]
    python benchmarks/ensembles.py --optimizer adam|sgd ...

A step is an accepted or refused attempt of every member: forward, backward, the bounds, the move. It is timed

    loop       with `flows.GradientFlow`, the optimizer, on each network in turn, as one trains them one by one;
    one by one with the flow engine, a member at a time: what the rule falls back on;
    batched    with all members in one batch;
    chosen     as the measured rule has it (lazyregime/gradient_flow/grouping.py).

Medians of rounds in turns. Targets: loop / chosen >= 5 at width 100, d = 10, batch 64, float32 and 20 members on two
cores (>= 10 on a GPU); one by one / chosen >= 0.95 everywhere.

With --optimizer a step is one of Adam or SGD on a batch of each member's own, in the regular regime and the scaled one:

    loop       forward, backward and the member's own optimizer, one member after the other
    batched    `regimes.Ensemble`

Target: loop / batched >= 4 at width 100, d = 10, batch 64.
"""

import argparse
import copy
import statistics
import time

import torch
import torch.nn.functional as F

from lazyregime.gradient_flow import FlowProblem, FlowSettings, GradientFlow, NetworkFunction, attempt
from lazyregime.gradient_flow.step import begin
from lazyregime.networks import MLP
from lazyregime.regimes import SGD, Adam, CrossEntropy, Ensemble, Lazy, Regular, Scaled

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


RECIPES = {"adam": lambda: Adam(lr=1e-4), "sgd": lambda: SGD(lr=1e-3)}
REGIMES = {"regular": Regular, "scaled": Scaled, "lazy": Lazy}


def trained(networks, x, y, optimizer, regime):
    """A step of every member: one after the other, and all at once."""
    alpha = {} if regime == "regular" else {"alpha": 10.0}

    def modules():
        copies = [copy.deepcopy(network) for network in networks]
        return [REGIMES[regime](n, optimizer=RECIPES[optimizer](), loss=CrossEntropy(), **alpha) for n in copies]

    alone, together = modules(), Ensemble(modules())
    optimizers = [m.optimizer.build(m.scaled_parameters(), alpha=m.alpha) for m in alone]

    def loop():
        for number, (module, own) in enumerate(zip(alone, optimizers, strict=True)):
            own.zero_grad()
            (module.loss(module(x[number]), y[number]) / module.alpha**2).backward()
            own.step()

    return {"loop": loop, "batched": lambda: together.step(x, y)}


def compare_training(options, sizes):
    """The table of Adam or SGD."""
    print("regime    width    d   batch | loop ms  batched | loop/batched")
    for regime in REGIMES:
        for width, d, batch in sizes:
            torch.manual_seed(0)
            x = torch.randn(options.members, batch, d, device=options.device)
            y = torch.randint(2, (options.members, batch), device=options.device)
            networks = [
                MLP(width, depth=options.depth, in_features=d, n_outputs=2, parameterization="ntk").to(options.device)
                for _ in range(options.members)
            ]
            steps = trained(networks, x, y, options.optimizer, regime)
            ms = {name: 1e3 * s for name, s in measure(steps, options.rounds, options.device, options.least).items()}
            print(f"{regime:8} {width:6} {d:4} {batch:7} | {ms['loop']:7.2f} {ms['batched']:8.2f} | "
                  f"{ms['loop'] / ms['batched']:12.2f}", flush=True)  # fmt: skip


def measure(steps, rounds, device, least=False):
    """Median seconds of each, taken in turns; or the least, on a machine that is busy with other things."""
    seconds = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)
    of = min if least else statistics.median
    return {name: of(values[1:]) for name, values in seconds.items()}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--optimizer", choices=("gradient_flow", *RECIPES), default="gradient_flow")
    parser.add_argument("--least", action="store_true", help="the least of the rounds, and not their median")
    parser.add_argument("--sizes", nargs="+", metavar="WIDTH,D,BATCH", help="instead of the usual ones")
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split(","))) for size in options.sizes] if options.sizes else SIZES
    print(f"{options.members} members, depth {options.depth}, float32, {options.device}, "
          f"{torch.get_num_threads()} threads, torch {torch.__version__}")  # fmt: skip
    if options.optimizer != "gradient_flow":
        return compare_training(options, sizes)
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
