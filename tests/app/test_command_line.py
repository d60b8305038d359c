"""What is typed behind a command: options anywhere among the overrides, and those that mean nothing are refused."""

import pytest

from lazyregime.app.compose.command_line import read_command_line
from lazyregime.app.compose.hints import ConfigError


def test_options_may_stand_among_overrides(tmp_path):
    line = read_command_line(["-m", "width=3", f"--config-dir={tmp_path}", "seed=0,1"])
    assert line.is_sweep and not line.asks_about
    assert line.overrides == ["width=3", "seed=0,1", f"hydra.searchpath=['file://{tmp_path}']"]
    asked = read_command_line(["width=3", "--cfg", "job", "seed=2"])
    assert asked.asks_about and asked.arguments == ["width=3", "seed=2", "--cfg", "job"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "--cfg", "job"], "--multirun and --cfg exclude each other"),
        (["--config-name", "x"], "--config-name is not for this command"),
        (["--config-dir", "/nowhere"], "--config-dir=/nowhere is no folder"),
        (["--resolve"], "--resolve is not for this command: it belongs to --cfg job"),
        (["hydra.job.chdir=true"], "a run has a folder of its own"),
    ],
)
def test_what_means_nothing_is_refused(arguments, words):
    with pytest.raises(ConfigError) as error:
        read_command_line(arguments)
    assert words in str(error.value)
