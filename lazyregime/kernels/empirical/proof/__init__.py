"""Proof that a model treats the samples of a batch apart, from the operations it does."""

from lazyregime.kernels.empirical.proof._entries import EXIT, escape, is_view, name_of, random_operations
from lazyregime.kernels.empirical.proof._lockstep import Proof, Unproven
from lazyregime.kernels.empirical.proof._modes import Guard, Listener
from lazyregime.kernels.empirical.proof._trace import INPUT, PARAMETER, Entry, Recorder, Trace
from lazyregime.kernels.empirical.proof._views import Kind, View
from lazyregime.kernels.empirical.proof._views import Rows as RowsOf

__all__ = [
    "EXIT",
    "INPUT",
    "PARAMETER",
    "Entry",
    "Guard",
    "Kind",
    "Listener",
    "Proof",
    "Recorder",
    "RowsOf",
    "Trace",
    "Unproven",
    "View",
    "escape",
    "is_view",
    "name_of",
    "random_operations",
]
