"""The `lazyregime` command and what a package must have: its commands, version, licence and citation agree."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import lazyregime
from lazyregime.__main__ import commands, main

ROOT = Path(__file__).resolve().parents[2]


def start(*words):
    command = [sys.executable, "-W", "error", "-m", "lazyregime", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_command_is_listed_with_its_own_words(capsys):
    main([])
    page = capsys.readouterr().out
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {f"lazyregime-{name}" for name in commands()} == set(project["scripts"]) - {"lazyregime"}
    for name, what in commands().items():
        assert f"  {name}" in page and what and what in page
    assert max(map(len, page.splitlines())) <= 100
    main(["--help"])
    assert capsys.readouterr().out == page


def test_a_command_is_the_module_of_its_name():
    for words, code in ((["report", "--help"], 0), (["report", "nowhere"], 2), (["train", "--help"], 0)):
        done = start(*words)
        command = [sys.executable, "-W", "error", "-m", f"lazyregime.{words[0]}", *words[1:]]
        same = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (code, same.stdout, same.stderr)


def test_what_is_started_again_from_a_command_is_that_command():
    """Lightning starts the other ranks by `__main__.__spec__.name` and sys.argv."""
    code = (
        "import sys, lazyregime.__main__ as door, atexit\n"
        "atexit.register(lambda: print(sys.argv[1:]))\n"
        "import runpy; run = runpy.run_module\n"
        "runpy.run_module = lambda name, **more: print(name, more['run_name'], more['alter_sys'])\n"
        "door.main(['train', 'regime=lazy'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "lazyregime.train __main__ True\n['regime=lazy']\n"


def test_a_wrong_command_is_a_sentence(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["reprot", "runs"])
    assert "did you mean `lazyregime report`?" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["x"])
    told = capsys.readouterr().err
    assert all(name in told for name in commands())


def test_the_version_stands_once(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"lazyregime {lazyregime.__version__}\n"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == lazyregime.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["project"]["license"] == citation["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text
    assert "the lazyregime authors" in text and citation["authors"] == [{"name": "the lazyregime authors"}]


def test_dir_shows_what_there_is_and_each_is_there():
    names = dir(lazyregime)
    assert {"run", "load_runs", "kernels", "networks", "machines", "data", "regimes", "__version__"} <= set(names)
    assert set(lazyregime.__all__) <= set(names)
    assert all(getattr(lazyregime, name) is not None for name in names)
    with pytest.raises(AttributeError, match=r"it has .*kernels"):
        _ = lazyregime.kernel
