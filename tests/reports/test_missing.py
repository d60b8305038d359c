"""What is missing is said as a command to type."""

from pathlib import Path

from fake_runs import COUNTS, write_run

from lazyregime.reports import load_runs
from lazyregime.reports.missing import missing_commands


def commands(tmp_path: Path) -> list[str]:
    return missing_commands(load_runs(tmp_path))


def test_one_run_asks_for_seeds_and_regimes_and_for_nothing_else(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False, width=2048)
    expected = [
        "python -m lazyregime.train -m arch=mlp width=2048 seed=0,1,2",
        "python -m lazyregime.train -m regime=feature,lazy arch=mlp width=2048",
    ]
    assert commands(tmp_path) == expected
    write_run(tmp_path / "b-1", {"tags": ["poster"]}, kernels=False, arch="cnn", width=64)
    assert commands(tmp_path)[0] == (
        "python -m lazyregime.train -m arch=cnn arch.last_activation=false width=32,128,256"
    )
    write_run(tmp_path / "c-1", kernels=False, width=1024)
    assert commands(tmp_path)[0] == "python -m lazyregime.train arch=mlp width=4096"


def test_a_run_on_few_images_asks_for_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False, n_train=300)
    assert commands(tmp_path) == []


def test_one_missing_width_is_one_run_in_the_group_of_the_others(tmp_path: Path) -> None:
    for width in (1024, 2048):
        for seed in range(3):
            write_run(tmp_path / f"a-{width}-{seed}", kernels=False, width=width, seed=seed, group="mine")
    assert commands(tmp_path)[0] == "python -m lazyregime.train arch=mlp width=4096 group=mine"


def test_nothing_is_missing_from_a_full_table(tmp_path: Path) -> None:
    for (arch, width), _ in COUNTS.items():
        for regime in ("regular", "lazy", "feature"):
            for seed in range(3):
                name = f"{regime}-{arch}-{width}-{seed}"
                write_run(tmp_path / name, kernels=False, arch=arch, width=width, seed=seed, regime=regime)
    assert commands(tmp_path) == []
