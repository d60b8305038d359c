"""A hundred combinations of options: each computes, and no value that was typed is ignored in silence."""

# Most are drawn so that pairs of options are tried together; the runs are tiny, so what they find is no science.

import json
import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lazyregime.fit import main as fit
from lazyregime.flow import main as flow
from lazyregime.train import main as train

DOORS = {"train": train, "fit": fit, "flow": flow}
SMALL = {
    train: "data.n_train=40 data.n_test=20 trainer.max_epochs=1 ntk.anchors_per_class=2",
    fit: "data.n_train=60 data.n_test=30 width=20",
    flow: "widths=[4,8] reference_width=16 num_seeds=2 n_samples=10 in_features=3 end_time=1.0 num_times=5",
}
COMBINATIONS = (Path(__file__).parent / "combinations.txt").read_text().splitlines()


@pytest.mark.parametrize("line", COMBINATIONS)
def test_a_combination_computes_and_ignores_nothing(line, runs_dir, capfd):
    name, *typed = shlex.split(line)
    door = DOORS[name]
    with pytest.raises(SystemExit) as end:
        door(["tracking=csv", "progress=none", *shlex.split(SMALL[door]), *typed])
    told = capfd.readouterr()
    assert not end.value.code, told.err
    results = sorted(runs_dir.rglob("result.json"))
    assert len(results) == (len(list(_swept(typed))) if "-m" in typed else 1)
    for path in results:
        assert json.loads(path.read_text())["status"] == "complete"
        assert (path.parent / "figures" / "summary.png").stat().st_size > 1000
        config = OmegaConf.load(path.parent / "config.yaml")
        for override in typed:
            assert "-m" in typed or override in told.err or _counts(override, config), override


def _swept(typed):
    """The values of the one key that is swept."""
    (several,) = [word for word in typed if "," in word and "[" not in word]
    return several.split(",")


def _counts(override, config):
    """Whether what was typed is in the configuration that was run: a value, or the name of a group's option."""
    key, _, value = override.partition("=")
    found = OmegaConf.select(config, key)
    if OmegaConf.is_dict(found):
        return key in ("trainer", "debug", "ntk", "tracking", "scaling") or found.name == value
    if OmegaConf.is_list(found):
        found = OmegaConf.to_container(found)
    read = OmegaConf.to_container(OmegaConf.create(f"value: {value}"))["value"]
    return key in ("trainer", "debug") or found == read
