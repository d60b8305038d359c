"""Floor 3: measurements taken while training, and what follows from them."""

from lazyregime.measure.checkpoints import LastCheckpoint
from lazyregime.measure.improvement import Improvement
from lazyregime.measure.probe import NTKProbe, Probed
from lazyregime.measure.recorder import Recorder
from lazyregime.measure.verdict import verdict

__all__ = ["Improvement", "LastCheckpoint", "NTKProbe", "Probed", "Recorder", "verdict"]
