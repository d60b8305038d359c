"""--help, --cfg, completion, the Python API, and the wheel outside a checkout."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import lazyregime
from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.options import groups
from lazyregime.errors import LazyRegimeError
from lazyregime.fit import main as fit
from lazyregime.flow import main as flow
from lazyregime.train import main

ROOT = Path(__file__).resolve().parents[2]


DOORS = {"train": main, "fit": fit, "flow": flow}


def door_of(experiment):
    """The command that its comment starts it with; train's scripts name no command."""
    return next((door for door in DOORS if f"lazyregime.{door} " in experiment.read_text()), "train")


def help_page(door, capsys):
    with pytest.raises(SystemExit) as exit_:
        DOORS[door](["--help"])
        sys.exit(0)
    assert not exit_.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("door", DOORS)
def test_help_is_our_own_page(door, capsys):
    """Every group of the door's configuration is on its page with a meaning, and all of its options with a sentence."""
    page = help_page(door, capsys)
    defaults = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / f"{door}.yaml"))["defaults"]
    chosen = {key for choice in defaults if isinstance(choice, dict) for key in choice}
    for group in chosen | {"hydra/launcher"}:
        if not group.startswith(("override ", "optional ")):
            assert re.search(rf"^  {group} +\w", page, re.MULTILINE), group
            for option in (ROOT / "conf" / group).glob("*.yaml"):
                if group != "experiment" or door_of(option) == door:
                    assert re.search(rf"^    {option.stem} +\S", page, re.MULTILINE), f"{group}={option.stem}"
    assert page.count(f"python -m lazyregime.{door} ") >= 6
    assert "runs/<group>" in page
    assert max(map(len, page.splitlines())) <= 140


def test_a_new_option_stands_on_the_page_by_its_file_alone(tmp_path):
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    new = tmp_path / "conf" / "arch" / "brand_new.yaml"
    new.write_text("# @package _global_\n# A network that nobody\n# has seen. And more.\narch:\n  name: brand_new\n")
    line = next(line for line in groups("train", conf=tmp_path / "conf").splitlines() if "brand_new" in line)
    assert line.split() == ["brand_new", *["A", "network", "that", "nobody", "has", "seen"]]


def test_every_door_is_known_everywhere():
    doors = {path.stem for path in (ROOT / "conf").glob("*.yaml")} - {"common"}
    assert doors == set(DOORS) == set(COMMANDS)
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {f"lazyregime-{door}" for door in doors} < set(scripts)


def test_cfg_prints_the_configuration(capsys):
    main(["--cfg", "job", "arch=cnn"])
    assert "_target_: lazyregime.networks.CNN" in capsys.readouterr().out


def test_completion_knows_groups(capsys):
    os.environ["COMP_LINE"], os.environ["COMP_POINT"] = "lazyregime-train arch=", "22"
    try:
        main(["-sc", "query=bash"])
    finally:
        del os.environ["COMP_LINE"], os.environ["COMP_POINT"]
    assert "arch=cnn" in capsys.readouterr().out


def test_the_python_api_is_the_command_line(runs_dir, capsys):
    result = lazyregime.run("debug=fdr", "regime=lazy", quiet=True)
    assert capsys.readouterr().out == ""
    assert result["regime"] == "lazy"
    table = lazyregime.load_runs(runs_dir)
    assert list(table["status"]) == ["complete"]
    assert table["test_accuracy"].item() == result["test_accuracy"]
    with pytest.raises(LazyRegimeError, match="did you mean 'width'"):
        lazyregime.run("widht=3")


@pytest.mark.parametrize("module", ["lazyregime", "lazyregime.sweeps"])
def test_importing_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_wheel_works_in_an_empty_folder(tmp_path):
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for path in (ROOT / "conf").rglob("*.yaml"):
        assert f"lazyregime/{path.relative_to(ROOT).as_posix()}" in names
    # A venv that borrows this one's libraries, but not its editable install of the project.
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    empty = tmp_path / "empty"
    empty.mkdir()
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LAZYREGIME_RUNS")}
    python = environment / "bin" / "python"
    where = [str(python), "-c", "import lazyregime; print(lazyregime.__file__)"]
    found = subprocess.run(where, cwd=empty, env=clean, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(site))
    command = [str(python), "-m", "lazyregime.train", "debug=fdr"]
    done = subprocess.run(command, cwd=empty, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "two initializations differ by" in done.stdout
    assert list((empty / "runs").rglob("result.json"))
