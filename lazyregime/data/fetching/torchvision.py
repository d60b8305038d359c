"""torchvision: imported with any build of torch, and its own download of image sets, which runs in a second process.

A second process can be ended when the network hangs, and its progress bars and mirrors' messages stay out of sight.
"""

import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import SourceFailed

# The operators of its compiled part to which torchvision's Python files give a shape rule while they are imported.
_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_SCHEMAS = {"torchvision::nms": _NMS, "torchvision::qnms": _NMS}
_SOCKET_SECONDS = 10.0


def import_torchvision() -> ModuleType:
    """`import torchvision`, also where its compiled part was built for another torch (a CUDA wheel beside a CPU torch).

    There the operators of the compiled part do not exist and the import of every submodule fails. Declaring the two
    that the import needs lets data sets, transforms, models and utilities work; only the calls of compiled operators
    and decoders fail. Where the builds fit, this is a plain import.

    Raises:
        ImportError: If torchvision is not installed.
    """
    missing = dict(_SCHEMAS)
    while True:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            operator = next((name for name in missing if f"operator {name} does not exist" in str(error)), None)
            if operator is None:
                raise
        for half_imported in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[half_imported]
        torch.library.define(operator, missing.pop(operator))


def download(class_name: str, file_names: tuple[str, ...], folder: Path) -> dict[str, bytes]:
    """The files as `torchvision.datasets.<class_name>` downloads them.

    Raises:
        SourceFailed: If it cannot.
    """
    _in_second_process(f"download_here({class_name!r}, {str(folder)!r})", folder)
    try:
        return {name: (folder / class_name / "raw" / name).read_bytes() for name in file_names}
    except FileNotFoundError as error:
        raise SourceFailed(f"it did not bring {Path(error.filename).name}") from error


def download_beside(class_name: str, archive: str, md5: str, folder: Path) -> Path:
    """The archive of this name and md5 that lies beside the one which `torchvision.datasets.<class_name>` downloads.

    Raises:
        SourceFailed: If it cannot be fetched, or is another.
    """
    _in_second_process(f"download_beside_here({class_name!r}, {archive!r}, {md5!r}, {str(folder)!r})", folder)
    return folder / archive


def _in_second_process(call: str, folder: Path) -> None:
    package_root = str(Path(__file__).parents[3])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    run_command(
        [sys.executable, "-c", f"from {__name__} import download_beside_here, download_here; {call}"],
        folder=folder,
        environment={"PYTHONPATH": search_path},
    )


def download_here(class_name: str, folder: str) -> None:
    """What the second process does for `download`; one line on stderr says what went wrong."""
    with _told_in_a_line():
        _datasets(class_name)(folder, download=True)


def download_beside_here(class_name: str, archive: str, md5: str, folder: str) -> None:
    """What the second process does for `download_beside`."""
    with _told_in_a_line():
        place = _datasets(class_name).url.rpartition("/")[0]
        importlib.import_module("torchvision.datasets.utils").download_url(f"{place}/{archive}", folder, archive, md5)


def _datasets(class_name: str) -> Any:
    socket.setdefaulttimeout(_SOCKET_SECONDS)
    import_torchvision()
    print("imported", flush=True)  # a sign of life for whoever waits
    return getattr(importlib.import_module("torchvision.datasets"), class_name)


@contextlib.contextmanager
def _told_in_a_line() -> Generator[None]:
    try:
        yield
    except ImportError as error:
        sys.exit(f"torchvision cannot be imported ({error})")
    except (OSError, RuntimeError) as error:
        sys.exit(str(error).strip().rpartition("\n")[2].strip("<> "))
