"""Train networks in the lazy, feature and regular regimes, and measure their tangent kernels."""

__version__ = "0.1.0"
