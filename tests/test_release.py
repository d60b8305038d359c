"""`.ci/release` refuses a version that the package, the citation, the changelog or a git tag contradict."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def clone(tmp_path):
    """A repository of the files that say a version, and of the script."""
    for name in (".ci/release", "lazyregime/__init__.py", "CITATION.cff", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder, *words):
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "A state")


def refusal(folder, *version):
    done = subprocess.run([folder / ".ci/release", *version], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not done.stdout  # before anything is built
    return done.stderr.strip()


def version_of(folder):
    return (folder / "CITATION.cff").read_text().partition("\nversion: ")[2].split()[0]


def test_another_version_than_the_packages(clone):
    assert refusal(clone, "99.0").startswith("lazyregime/__init__.py says ")


def test_another_version_than_the_citations(clone):
    source = clone / "lazyregime/__init__.py"
    source.write_text(source.read_text().replace(f'__version__ = "{version_of(clone)}"', '__version__ = "98.0"'))
    assert refusal(clone) == "CITATION.cff says another version than 98.0"


def test_a_tag_of_another_version_on_this_commit(clone):
    git(clone, "tag", "v97.0")
    assert refusal(clone).startswith("this commit has the tag v97.0, and lazyregime/__init__.py says ")


def test_the_tag_of_this_version_on_another_commit(clone):
    version = version_of(clone)
    git(clone, "tag", f"v{version}")
    commit(clone)
    assert refusal(clone).startswith(f"v{version} is the tag of another commit: ")


def test_a_version_without_its_changes(clone):
    version = version_of(clone)
    assert refusal(clone, version) == f"CHANGELOG.md has no section [{version}]"
    changes = clone / "CHANGELOG.md"
    changes.write_text(changes.read_text().replace("## [Unreleased]", f"## [{version}]"))
    assert refusal(clone, version) == "there are uncommitted changes"
