"""Floor 2: dynamics as a library: gradient flow as an optimizer and as ensembles trained together."""

from lazyregime.flows.gradient_flow import Flow, FlowProblem, FlowSettings, GradientFlow

__all__ = ["Flow", "FlowProblem", "FlowSettings", "GradientFlow"]
