"""The published numbers the report stands beside: the poster's table of kernel and network accuracies on MNIST.

Source: the repository eugene-choi/mdl-ntk, its poster's table; the width-8192 column is in its mdl_final_report.pdf.
There, Lazy is kernel regression with the kernel at initialization, Feature with the kernel of the same network after
training, and Regular is that network's own best test accuracy (chosen on the test set).
"""

from dataclasses import dataclass

SOURCE = "eugene-choi/mdl-ntk: the poster's table; width 8192 from its final report"
ROWS = ("Lazy", "Feature", "Regular")
TOLERANCE_POINTS = 2.0  # a difference larger than this is flagged


@dataclass(frozen=True)
class Published:
    """One column of the poster's table; None where the poster has no number ("GPU limit")."""

    arch: str
    width: int
    num_params: int
    lazy: float | None
    feature: float | None
    regular: float | None

    def value(self, row: str) -> float | None:
        """The number in the row called Lazy, Feature or Regular."""
        return {"Lazy": self.lazy, "Feature": self.feature, "Regular": self.regular}[row]


POSTER = (
    Published("mlp", 1024, 2_913_290, 0.7705, 0.9609, 0.9859),
    Published("mlp", 2048, 10_020_874, 0.7851, 0.9618, 0.9863),
    Published("mlp", 4096, 36_818_954, 0.7885, 0.9509, 0.9861),
    Published("mlp", 8192, 140_746_762, 0.7966, None, None),
    Published("cnn", 32, 173_706, 0.5983, 0.7774, 0.9903),
    Published("cnn", 64, 384_266, 0.6299, 0.8187, 0.9905),
    Published("cnn", 128, 915_978, 0.6433, 0.7911, 0.9885),
    Published("cnn", 256, 2_421_770, 0.6522, 0.7335, 0.9855),
)


def published(arch: str, width: int) -> Published | None:
    """The poster's column for this network, or None."""
    return next((column for column in POSTER if (column.arch, column.width) == (arch, width)), None)
