"""torchvision: imported with any build of torch, and its own download of the image sets, which runs in a second process.

A second process can be ended when the network hangs, and its progress bars and mirrors' messages stay out of sight.
"""

import importlib
import os
import socket
import sys
from pathlib import Path
from types import ModuleType

import torch

from lazyregime.data._command import run_command
from lazyregime.data._image_set import SourceFailed

# torchvision's Python files give these two operators of its compiled part a shape rule while they are imported.
_OPERATORS = ("torchvision::nms", "torchvision::qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_SOCKET_SECONDS = 10.0


def import_torchvision() -> ModuleType:
    """`import torchvision`, also where its compiled part was built for another torch (a CUDA wheel beside a CPU torch).

    There the operators of the compiled part do not exist and the import of every submodule fails. Declaring the two
    that the import needs lets data sets, transforms, models and utilities work; only the calls of compiled operators
    and decoders fail. Where the builds fit, this is a plain import.

    Raises:
        ImportError: If torchvision is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for half_imported in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[half_imported]
    for operator in _OPERATORS:
        torch.library.define(operator, _SCHEMA)
    return importlib.import_module("torchvision")


def download(class_name: str, file_names: tuple[str, ...], folder: Path) -> dict[str, bytes]:
    """The files as `torchvision.datasets.<class_name>` downloads them.

    Raises:
        SourceFailed: If it cannot.
    """
    package_root = str(Path(__file__).parents[2])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    run_command(
        [sys.executable, "-m", "lazyregime.data._torchvision", class_name, str(folder)],
        folder=folder,
        environment={"PYTHONPATH": search_path},
    )
    try:
        return {name: (folder / class_name / "raw" / name).read_bytes() for name in file_names}
    except FileNotFoundError as error:
        raise SourceFailed(f"it did not bring {Path(error.filename).name}") from error


def _main(class_name: str, folder: str) -> None:
    """What the second process does; one line on stderr says what went wrong."""
    socket.setdefaulttimeout(_SOCKET_SECONDS)
    try:
        import_torchvision()
        datasets = importlib.import_module("torchvision.datasets")
        getattr(datasets, class_name)(folder, download=True)
    except ImportError as error:
        sys.exit(f"torchvision cannot be imported ({error})")
    except (OSError, RuntimeError) as error:
        sys.exit(str(error).strip().rpartition("\n")[2].strip("<> "))


if __name__ == "__main__":
    _main(*sys.argv[1:])
