"""Floor 3: measurements taken while training, and what follows from them."""

from lazyregime.callbacks.checkpoints import LastCheckpoint
from lazyregime.callbacks.improvement import Improvement
from lazyregime.callbacks.probe import NTKProbe, Probed
from lazyregime.callbacks.recorder import Recorder
from lazyregime.callbacks.verdict import verdict

__all__ = ["Improvement", "LastCheckpoint", "NTKProbe", "Probed", "Recorder", "verdict"]
