"""What is measured of a network: a metric a file, one probe that serves every kind of training, and what follows.

Lightning's callbacks are modules of their own here (`probing`, `recorder`, `improvement`, `checkpoints`), so that a
probe needs no Lightning.
"""

from lazyregime.measure.metric import Metric, Moment
from lazyregime.measure.probe import Probe
from lazyregime.measure.stored import recompute
from lazyregime.measure.verdict import Verdict, judge
from lazyregime.measure.words import metric_rows, metric_words

__all__ = ["Metric", "Moment", "Probe", "Verdict", "judge", "metric_rows", "metric_words", "recompute"]
