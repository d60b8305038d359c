"""torchvision is imported whatever it was built for, and its download fails softly without a network."""

import gzip
import hashlib
import importlib
import socket
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from lazyregime.data import import_torchvision
from lazyregime.data.fetching import torchvision
from lazyregime.data.fetching.image_set import SourceFailed


class FakeImport:
    """`importlib` for one module, whose import needs operators that nobody has defined."""

    def __init__(self, *operators: str) -> None:
        self.needed = list(operators)
        self.defined: list[str] = []
        self.module = ModuleType("torchvision")

    def import_module(self, name: str) -> ModuleType:
        for operator in self.needed:
            if operator not in self.defined:
                raise RuntimeError(f"operator {operator} does not exist")
        return self.module

    def define(self, operator: str, schema: str) -> None:
        assert torch._C.parse_schema(operator + schema).name == operator
        self.defined.append(operator)


@pytest.fixture
def fake(monkeypatch, request):
    fake = FakeImport(*request.param)
    monkeypatch.setattr(torchvision, "importlib", fake)
    monkeypatch.setattr(torchvision, "sys", SimpleNamespace(modules={"torchvision.ops": None, "torch": torch}))
    monkeypatch.setattr(torch.library, "define", fake.define)
    return fake


@pytest.mark.parametrize("fake", [(), ("torchvision::nms",), ("torchvision::nms", "torchvision::qnms")], indirect=True)
def test_just_the_missing_operators_are_declared(fake):
    assert import_torchvision() is fake.module
    assert fake.defined == fake.needed
    assert ("torchvision.ops" in torchvision.sys.modules) == (not fake.needed)
    assert "torch" in torchvision.sys.modules


@pytest.mark.parametrize("fake", [("torchvision::unheard_of",), ("aten::nms",)], indirect=True)
def test_other_errors_are_not_hidden(fake):
    with pytest.raises(RuntimeError, match="does not exist"):
        import_torchvision()
    assert fake.defined == []


def test_the_real_one_works_here():
    pytest.importorskip("PIL")
    assert import_torchvision() is import_torchvision() is sys.modules["torchvision"]
    datasets = importlib.import_module("torchvision.datasets")
    transforms = importlib.import_module("torchvision.transforms.v2")
    image, _ = datasets.FakeData(1, (3, 8, 8))[0]
    assert transforms.functional.pil_to_tensor(image).shape == (3, 8, 8)


def test_it_is_imported_only_when_needed():
    code = "import sys, lazyregime.data; sys.exit('torchvision' in sys.modules)"
    root = str(Path(torchvision.__file__).parents[3])
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_network_that_refuses_is_a_short_reason(tmp_path, monkeypatch, capfd):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceFailed, match=r"urlopen error .*Connection refused") as caught:
        torchvision.download("MNIST", ("train-labels-idx1-ubyte",), tmp_path)
    assert len(str(caught.value)) < 100
    assert capfd.readouterr() == ("", "")


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tiny, tmp_path, monkeypatch):
    """The real torchvision with the small set on a mirror of this machine; gives the folder that the mirror serves."""
    served = tmp_path / "served"
    served.mkdir()
    resources: list[tuple[str, str]] = []
    for name, content in tiny.contents.items():
        (served / f"{name}.gz").write_bytes(gzip.compress(content))
        resources.append((f"{name}.gz", hashlib.md5((served / f"{name}.gz").read_bytes()).hexdigest()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    import_torchvision()
    datasets = importlib.import_module("torchvision.datasets")
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
    socket.setdefaulttimeout(None)


def download_in_this_process(command: list[str], *, folder: Path, environment: dict[str, str]) -> None:
    exec(command[2], {})


def test_its_download_gives_the_files(mirror, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision, "run_command", download_in_this_process)
    assert torchvision.download("MNIST", tuple(tiny.contents), tmp_path / "to") == tiny.contents
