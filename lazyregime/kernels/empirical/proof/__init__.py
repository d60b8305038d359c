"""Proof that a model treats the samples of a batch apart, from the operations it does."""

from lazyregime.kernels.empirical.proof._lockstep import EXIT, Proof, Unproven, escape, random_operations
from lazyregime.kernels.empirical.proof._trace import INPUT, PARAMETER, Guard, Listener, Recorder, Trace

__all__ = [
    "EXIT",
    "INPUT",
    "PARAMETER",
    "Guard",
    "Listener",
    "Proof",
    "Recorder",
    "Trace",
    "Unproven",
    "escape",
    "random_operations",
]
