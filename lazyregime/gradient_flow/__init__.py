"""dw/dt = -rate grad l(alpha h(w)) / alpha^2, by accepted or rejected steps [GSJW20]: one flow or an ensemble."""

from lazyregime.gradient_flow._stacked import stacked_forward
from lazyregime.gradient_flow.flow import Flow, Snapshot
from lazyregime.gradient_flow.functions import KernelFunction, NetworkFunction
from lazyregime.gradient_flow.optimizer import GradientFlow
from lazyregime.gradient_flow.problem import FlowFunction, FlowProblem, margins
from lazyregime.gradient_flow.settings import FlowSettings, Status
from lazyregime.gradient_flow.state import FlowState, Params
from lazyregime.gradient_flow.step import attempt

__all__ = [
    "Flow",
    "FlowFunction",
    "FlowProblem",
    "FlowSettings",
    "FlowState",
    "GradientFlow",
    "KernelFunction",
    "NetworkFunction",
    "Params",
    "Snapshot",
    "Status",
    "attempt",
    "margins",
    "stacked_forward",
]
