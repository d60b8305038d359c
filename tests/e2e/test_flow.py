"""`python -m lazyregime.flow` as a user types it: small clouds, every target, what is written, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

import lazyregime
from lazyregime.errors import LazyRegimeError
from lazyregime.flow import main
from lazyregime.reports.reading.folder import read_kernels, read_metrics

SMALL = [
    *("widths=[8,16,32]", "reference_width=64", "num_seeds=3", "n_samples=12", "in_features=3", "num_times=5"),
    *("end_time=2", "num_snapshots=3"),
]


def run(*overrides):
    return lazyregime.run(*SMALL, *overrides, command="flow", quiet=True)


def test_a_run_is_written_and_told(runs_dir, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(SMALL)
    assert not exit_.value.code
    told = capsys.readouterr().out
    assert "Verdict: at N = 32 the kernel moved by" in told and "Next:   python -m lazyregime.report" in told
    (folder,) = (runs_dir / "flow").iterdir()
    assert folder.name.startswith("teacher-tanh-antisymmetric-d3-n12-s0-")
    result = json.loads((folder / "result.json").read_text())
    arrays, metrics = read_kernels(folder / "kernels.safetensors"), read_metrics(folder / "metrics.csv")
    assert result["command"] == "flow" and result["width"] == 32
    assert list(metrics.time) == pytest.approx(list(arrays["times"])) and len(metrics) == 6
    assert metrics.mean_field_32_risk.iloc[-1] == pytest.approx(result["mean_field_risk"])
    assert metrics.ntk_8_kernel_change.iloc[0] == 0
    assert max(v for k, v in result.items() if k.startswith("error_")) < 1e-6
    for name in ("summary.png", "particles.png"):
        assert np.asarray(Image.open(folder / "figures" / name)).std() > 5
    main_again = lazyregime.run(*SMALL, command="flow", quiet=True)
    assert main_again["finished"] == result["finished"], "a complete run is not computed twice"


def test_the_two_scalings_are_what_they_say(runs_dir):
    result = run("widths=[64,512]", "end_time=10", "reference_width=1024")
    assert result["mean_field_kernel_change"] > 5 * result["ntk_kernel_change"]
    assert result["ntk_displacement_slope"] == pytest.approx(-0.5, abs=0.1)
    assert result["mean_field_displacement_slope"] == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize(
    "overrides",
    [
        ["target=neuron", "activation=erf", "init=gaussian"],
        ["target=hermite", "target.degree=3", "init=centred", "integrator=euler"],
        ["target=gegenbauer", "integrator=sgd", "integrator.batch_size=20", "scaling=ntk", "trained=a"],
        ["target=quadratic", "activation=quadratic", "init=one_sided"],
        ["target=two_gaussians", "activation=mmn18", "init=mmn18", "trained=w", "integrator=sgd", "num_cells=200"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_every_target(runs_dir, overrides):
    result = run(*overrides)
    first = read_kernels(next((runs_dir / "flow").glob("*/kernels.safetensors")))
    scaling = "ntk" if result["scaling"] == "ntk" else "mean_field"
    risk = first[f"{scaling}/32/risk"].mean(1)
    assert np.isfinite(risk).all() and risk[-1] < risk[0]


def test_an_animation_in_two_dimensions(runs_dir):
    run("in_features=2", "num_snapshots=4", "scaling=mean_field")
    (path,) = runs_dir.rglob("particles.gif")
    with Image.open(path) as film:
        assert film.n_frames == 4


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["widths=[8,4]"], "give widths that increase"),
        (["widths=[9]"], "even number of particles, not 9"),
        (["widths=[]"], "give widths that increase"),
        (["activation=rely"], "choose one of relu"),
        (["trained=none"], "choose both, a or w"),
        (["num_seeds=0"], "num_seeds=0"),
        (["end_time=0.01"], "0 < first < end"),
        (["integrator=sgd", "integrator.step=0"], "integrator.step=0"),
        (["integrator=euler", "integrator.rtol=1"], "has no rtol"),
        (["target=two_gaussians"], "give integrator=sgd"),
        (["target=quadratic"], "activation=quadratic"),
        (["target.num_neurons=0"], "num_neurons=0"),
        (["scaling.mean_field=false", "scaling.ntk=false"], "neither mean_field nor ntk"),
        (["target=tacher"], "teacher"),
        (["widht=3"], "did you mean"),
    ],
    ids=lambda overrides: " ".join(overrides) if isinstance(overrides, list) else None,
)
def test_mistakes_are_sentences(runs_dir, overrides, message):
    with pytest.raises(LazyRegimeError, match=message):
        run(*overrides)
    assert not runs_dir.exists()
