"""Floor 3: what is trained, as Lightning modules: one base, one short file a regime."""

from lazyregime.regimes.base import SCHEDULES, AbstractRegime, evaluate
from lazyregime.regimes.choice import Choice
from lazyregime.regimes.ensemble import Ensemble
from lazyregime.regimes.feature import Feature
from lazyregime.regimes.gradient_flow import GradientFlow
from lazyregime.regimes.laziness import alpha_of, laziness
from lazyregime.regimes.lazy import Lazy
from lazyregime.regimes.losses import MSE, AbstractLoss, CrossEntropy, SoftHinge, predict, weighted
from lazyregime.regimes.optimizers import SGD, AbstractOptimizer, Adam
from lazyregime.regimes.regular import Regular
from lazyregime.regimes.scaled import Scaled

__all__ = [
    "MSE",
    "SCHEDULES",
    "SGD",
    "AbstractLoss",
    "AbstractOptimizer",
    "AbstractRegime",
    "Adam",
    "Choice",
    "CrossEntropy",
    "Ensemble",
    "Feature",
    "GradientFlow",
    "Lazy",
    "Regular",
    "Scaled",
    "SoftHinge",
    "alpha_of",
    "evaluate",
    "laziness",
    "predict",
    "weighted",
]
