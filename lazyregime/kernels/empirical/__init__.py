"""The empirical tangent kernel of any torch module, layer by layer where a layer has structure."""

from lazyregime.kernels.empirical import _rules_linear as _rules_linear
from lazyregime.kernels.empirical import _rules_norm as _rules_norm
from lazyregime.kernels.empirical._axes import empirical_ntk_axes
from lazyregime.kernels.empirical._blocks import empirical_ntk_blocks
from lazyregime.kernels.empirical._by_layer import empirical_ntk_layers
from lazyregime.kernels.empirical._explain import Explanation, explain
from lazyregime.kernels.empirical._factors import Lookup, Outer, Rows
from lazyregime.kernels.empirical._loan import borrowed
from lazyregime.kernels.empirical._ntk import empirical_ntk
from lazyregime.kernels.empirical._registry import LayerCall, register_rule
from lazyregime.kernels.empirical._stored import NotInProgress
from lazyregime.kernels.empirical._survey import check_function

__all__ = [
    "Explanation",
    "LayerCall",
    "Lookup",
    "NotInProgress",
    "Outer",
    "Rows",
    "borrowed",
    "check_function",
    "empirical_ntk",
    "empirical_ntk_axes",
    "empirical_ntk_blocks",
    "empirical_ntk_layers",
    "explain",
    "register_rule",
]
