"""One table of networks for all laws: every file of conf/arch, in every parameterization, small and in float64.

A new architecture enters by its yaml alone: the table composes it with the first data set that has what it asks for.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from omegaconf import OmegaConf

from lazyregime.app.compose.build import build_network
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.train.command import TrainCommand
from lazyregime.networks import PARAMETERIZATIONS

CONF = Path(__file__).resolve().parent.parent / "conf"
N_OUTPUTS = 3
# What makes a case small, where an architecture or a data set has such a key.
SMALL = {
    "arch": {"depth": 2, "head_size": 4, "num_groups": 2},
    "data": {"in_channels": 2, "image_size": 8, "in_features": 128, "modulus": 5, "n_outputs": N_OUTPUTS},
}
WIDTH = 8


@dataclass(frozen=True)
class Case:
    """An architecture in a parameterization."""

    arch: str
    parameterization: str

    def network(self, seed=1, **options):
        """The network in float64, drawn in float64, in eval mode; options are keys of the architecture."""
        config = composed(self.arch)
        arch = {**config["arch"], "parameterization": self.parameterization, **options}
        config = {**config, "arch": arch, "init_seed": seed}
        usual = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return build_network(config).eval()
        finally:
            torch.set_default_dtype(usual)

    def inputs(self, n=4, seed=0):
        """Images or sequences of tokens."""
        data, generator = composed(self.arch)["data"], torch.Generator().manual_seed(seed)
        if "num_tokens" in data:
            return torch.randint(data["num_tokens"], (n, data["sequence_length"]), generator=generator)
        shape = (data["in_channels"], data["image_size"], data["image_size"])
        return torch.randn(n, *shape, generator=generator, dtype=torch.float64)

    def __str__(self):
        return f"{self.arch}-{self.parameterization}"


@functools.cache
def composed(arch):
    """The small configuration of an architecture."""
    for data in ("mnist", "modular_addition", *sorted(path.stem for path in (CONF / "data").glob("*.yaml"))):
        try:
            full = TrainCommand.source.compose_job([f"arch={arch}", f"data={data}"])
        except ConfigError:
            continue
        small = [f"{group}.{key}={v}" for group in SMALL for key, v in SMALL[group].items() if key in full[group]]
        chosen = [f"arch={arch}", f"data={data}", f"width={WIDTH}", "trainer.precision=float64"]
        return TrainCommand.source.compose_job([*chosen, *small])
    raise AssertionError(f"no data set in conf/data has what arch={arch} asks for")


def is_ours(path):
    """Whether a file of conf/arch names a network of this package, and no one else's."""
    node = OmegaConf.load(path)
    target = str(OmegaConf.to_container(node.get("arch", node))["_target_"])
    return target.startswith("lazyregime.")


def jacobian(network, x):
    """D f_k(x_n) / d w_p, one gradient at a time: (n, k, p)."""

    def row(sample, k):
        gradients = torch.autograd.grad(network(sample[None])[0, k], list(network.parameters()))
        return torch.cat([g.flatten() for g in gradients])

    return torch.stack([torch.stack([row(sample, k) for k in range(network(x).shape[1])]) for sample in x])


ARCHITECTURES = sorted(path.stem for path in (CONF / "arch").glob("*.yaml") if is_ours(path))
CASES = [Case(arch, parameterization) for arch in ARCHITECTURES for parameterization in PARAMETERIZATIONS]
NTK_CASES = [Case(arch, "ntk") for arch in ARCHITECTURES]
