"""requirements.lock is in step with pyproject.toml: each requirement is pinned, to a version that the bounds allow."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [Requirement(text) for text in (*PROJECT["dependencies"], *EXTRAS["slurm"], *EXTRAS["tensorboard"])]


def pinned():
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), lines
    return {canonicalize_name(line.partition("==")[0]): Version(line.partition("==")[2]) for line in lines}


@pytest.mark.parametrize("requirement", NEEDED, ids=lambda requirement: requirement.name)
def test_a_requirement_is_pinned_within_its_bounds(requirement):
    """Else: .ci/lock."""
    version = pinned()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), f"{requirement} against {version}"
    assert not version.is_prerelease
