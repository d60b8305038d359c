"""The boundary over the plane is that of the law that made the runs, and another law has another exponent."""

import numpy as np
import pandas as pd
import pytest
from fake_runs import result, write_run

from lazyregime.reports import load_runs
from lazyregime.reports.figures import phase_plane
from lazyregime.reports.sections.phase_diagram import section


def plane(tmp_path, power):
    """Turns that fall through 1/2 at alpha = 3 h^power."""
    for seed in range(3):
        for width in (8, 32, 128):
            for laziness in np.logspace(-2, 4, 13):
                alpha = laziness / width**0.5
                angle = min(0.99, 0.5 * (3 * (1 + 0.1 * seed) * width**power / alpha) ** 0.4)
                word = "lazy" if angle < 0.1 else "feature learning" if angle > 0.3 else "in between"
                write_run(
                    tmp_path / f"{width}-{laziness:.3g}-{seed}", {"tags": ["phase_diagram"]}, kernels=False,
                    regime="scaled", width=width, laziness=float(laziness), alpha=float(alpha), seed=seed,
                    init_seed=seed, kernel_angle=float(angle), verdict=word,
                )  # fmt: skip
    return load_runs(tmp_path)


@pytest.mark.parametrize("power", [-0.5, -0.2])
def test_the_exponent_is_that_of_the_law(tmp_path, power):
    found = phase_plane.boundaries(plane(tmp_path, power))
    measured = phase_plane.exponent(found)
    assert measured.value == pytest.approx(power, abs=1e-6) and measured.num_seeds == 3
    first = found[found.init_seed == 0].set_index("width")
    assert first.alpha[32] == pytest.approx(3 * 32**power)
    assert first.laziness[32] == pytest.approx(3 * 32 ** (power + 0.5))


def test_a_report_has_the_figure_and_the_table_of_each_plane(tmp_path):
    runs = plane(tmp_path / "runs", -0.5)
    made = section(runs, tmp_path)
    assert [picture.path.name for picture in made.pictures] == ["phase_mlp_mnist.png"]
    assert "h^-0.50" in made.tables[0].notes[0] and len(made.tables[0].lines) == 3
    assert not made.troubles


def test_without_such_runs_there_is_no_section(tmp_path):
    assert section(pd.DataFrame([result()]).assign(status="complete"), tmp_path).tables == []
