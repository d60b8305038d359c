"""Fashion-MNIST from Debian's package dataset-fashion-mnist, fetched and unpacked by any user, nothing installed.

apt checks the package's signature. Where it knows no packages yet (a fresh container), their list is fetched into the
temporary folder, so the system's own state is neither needed nor touched.
"""

import shutil
from pathlib import Path

from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import SourceFailed
from lazyregime.data.fetching.store import read

PACKAGE = "dataset-fashion-mnist"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def download(file_names: tuple[str, ...], folder: Path) -> dict[str, bytes]:
    """The IDX files in Debian's package.

    Raises:
        SourceFailed: If there is no apt-get or dpkg-deb, or they cannot fetch or unpack it.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise SourceFailed(f"there is no {tool} here")
    try:
        _apt_get(["download", PACKAGE], folder)
    except SourceFailed:
        state, cache = folder / "state", folder / "cache"
        (state / "lists" / "partial").mkdir(parents=True)
        (cache / "archives" / "partial").mkdir(parents=True)
        places = ["-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={cache}"]
        _apt_get([*places, "update"], folder)
        _apt_get([*places, "download", PACKAGE], folder)
    packages = list(folder.glob("*.deb"))
    if len(packages) != 1:
        raise SourceFailed(f"apt-get brought {len(packages)} packages, not one")
    run_command(["dpkg-deb", "--extract", str(packages[0]), str(folder / "unpacked")], folder=folder)
    unpacked = folder / "unpacked" / SYSTEM_FOLDER.relative_to("/")
    try:
        return {name: read(unpacked / f"{name}.gz") for name in file_names}
    except FileNotFoundError as error:
        raise SourceFailed(f"the package has no {Path(error.filename).name}") from error


def _apt_get(arguments: list[str], folder: Path) -> None:
    bounds = ["Acquire::Retries=0", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10", "APT::Sandbox::User="]
    run_command(["apt-get", "-q", *(word for bound in bounds for word in ("-o", bound)), *arguments], folder=folder)
