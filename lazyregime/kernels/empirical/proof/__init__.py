"""Proof that a model treats the samples of a batch apart, from the operations it does."""

from lazyregime.kernels.empirical.proof._entries import EXIT, escape, random_operations
from lazyregime.kernels.empirical.proof._lockstep import Proof, Unproven
from lazyregime.kernels.empirical.proof._modes import Guard, Listener
from lazyregime.kernels.empirical.proof._trace import INPUT, PARAMETER, Recorder, Trace

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
