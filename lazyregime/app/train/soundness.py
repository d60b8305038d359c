"""Whether a training is a result: weights that did not move, or moved by less than their type resolves, are said so.

A weight is kept to the rounding of its type, so that w - w0 is known to eps |w|, and F = alpha (f - f0) is wrong by
about eps |w| / |w - w0|: beside float64 between an eighth of that and twice it (docs/reliability.md). The movement
falls as 1 / alpha, which gives the largest alpha that a type carries. What is linearized trains w - w0 itself.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from lazyregime.app.train.unmeasured import NO_MEMORY
from lazyregime.errors import in_words, is_of_the_machine, lacks_memory
from lazyregime.regimes import AbstractRegime

LOST = 0.01  # of F: what is lost to rounding above this is said


def doubts(module: AbstractRegime, initial: nn.Module) -> tuple[str, ...]:
    """What speaks against the result, in sentences.

    Args:
        module: After its training.
        initial: Its network at w0.
    """
    pairs = zip(module.network.parameters(), initial.parameters(), strict=True)
    differences = [w.detach() - w0.detach().to(w) for w, w0 in pairs]
    if module.linearized:
        differences = [d.detach() for d in module.function.parameters() if d.requires_grad]
    moved, size = _norm(differences), _norm(p.detach() for p in module.network.parameters())
    if moved == 0:
        return ("No weight moved: nothing was trained, and what was measured is the network at initialization.",)
    dtype = next(module.network.parameters()).dtype
    lost = torch.finfo(dtype).eps * size / moved
    if module.linearized or lost <= LOST:
        return ()
    cure = "use a larger lr or more steps"
    if module.centred:
        cure = f"it carries an alpha of {module.alpha * LOST / lost:.1g} here, and regime=lazy any"
    name = str(dtype).removeprefix("torch.")
    better = "" if dtype == torch.float64 else " trainer.precision=float64 carries more."
    return (
        f"The weights moved by {moved / size:.1g} of their norm, which {name} resolves to {min(1.0, lost):.0%}, and "
        f"what was learned is wrong by about as much: {cure}.{better}",
    )


def looked_at_the_end(look: Callable[[], object], warnings: list[str]) -> bool:
    """Look at the trained network; where that fails the training is there all the same, with a warning."""
    try:
        look()
    except Exception as error:
        short = lacks_memory(error)
        if is_of_the_machine(error) and not short:  # the same command measures it, once there is room again
            raise
        why = NO_MEMORY if short else "The kernel after training could not be measured: "
        warnings.append(f"{why}{in_words(error)}")
        return False
    return True


def _norm(tensors: Iterable[Tensor]) -> float:
    return sum(float(t.double().square().sum()) for t in tensors) ** 0.5
