"""The server speaks to its own machine, by GET, of what it has found; every mistake is a sentence."""

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from fake_runs import write_run

import lazyregime.dashboard as door
from lazyregime.app.dashboard.server import HEADERS, PAGE, STATIC, server_of
from lazyregime.errors import LazyRegimeError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(tmp_path):
    """A server of one run, as a function from an address to status, headers and body."""
    run = write_run(tmp_path / "runs" / "g" / "run-00000000")
    (run / "figures").mkdir()
    (run / "figures" / "summary.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    server = server_of(tmp_path / "runs")
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()

    def ask(address, method="GET", host=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)) as connection:
            connection.putrequest(method, address, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    yield ask
    server.shutdown()
    server.server_close()


def test_every_address_answers_with_its_kind_and_the_same_guards(asked):
    asked("/api/runs")  # only what was found has an address
    kinds = {
        "/": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8", "/api/runs": "application/json",
        "/api/series?run=g/run-00000000": "application/json", "/api/run?run=g%2Frun-00000000": "application/json",
        "/figure?run=g/run-00000000&name=summary.png": "image/png",
    }  # fmt: skip
    for address, kind in kinds.items():
        status, headers, body = asked(address)
        assert (status, headers["Content-Type"]) == (200, kind) and body
        assert HEADERS.items() <= dict(headers).items()
    (series,) = json.loads(asked("/api/series?run=g/run-00000000&run=nobody")[2]).values()
    assert "test_accuracy" in series["curves"]
    told = json.loads(asked("/api/run?run=g/run-00000000")[2])
    assert ["kernel turned by  1 - cos(T0, T1)", "0.300"] in told["measures"] and ["seed", 0] in told["settings"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "192.168.0.1:{port}", " "])
def test_a_foreign_name_is_refused(asked, host):
    assert asked("/api/runs", host=host)[0] == 421


@pytest.mark.parametrize(
    "address",
    [
        "/../../../etc/passwd", "/etc/passwd", "/page.js/../../server.py", "/api/run?run=../..", "/api/run?run=/etc",
        "/figure?run=g/run-00000000&name=../config.yaml", "/figure?run=..&name=passwd", "/api/run", "/%2e%2e/",
        "/figure?run=g/run-00000000&name=%00.png",
    ],
)  # fmt: skip
def test_nothing_else_has_an_address(asked, address):
    asked("/api/runs")
    assert asked(address)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(asked, method):
    assert asked("/api/runs", method)[0] == 501


def test_strange_versions_are_as_none(asked):
    for text in ("x", "-5", "1e3", "9" * 30, "٣"):
        assert len(json.loads(asked(f"/api/runs?since={ascii(text)[1:-1]}&token=zz")[2])["rows"]) == 1


def test_the_report_is_made_when_it_is_asked_for_and_leaves_nothing(asked, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    status, headers, body = asked("/report")
    assert status == 200 and b"default-src 'none'" in body and "Content-Security-Policy" not in headers
    assert sorted(tmp_path.rglob("*")) == before
    shutil.rmtree(tmp_path / "runs" / "g")
    assert b"holds no run" in asked("/report")[2]


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        door.main(list(arguments))
    told = capsys.readouterr()
    assert stop.value.code == 2 and not told.out and "Traceback" not in told.err
    return told.err


def test_mistakes_are_sentences(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "does not exist" in refusal(capsys, str(tmp_path / "nowhere"))
    assert "is a file" in refusal(capsys, str(tmp_path / "file"))
    assert "is no port" in refusal(capsys, str(tmp_path), "--port", "70000")
    assert "invalid int value" in refusal(capsys, str(tmp_path), "--port", "http")
    with server_of(tmp_path) as other:
        told = refusal(capsys, str(tmp_path), "--port", str(other.server_port))
        assert f"Port {other.server_port} cannot be had" in told and "--port 0" in told
        with pytest.raises(LazyRegimeError, match="cannot be had"):
            server_of(tmp_path, other.server_port)


def test_the_door_says_where_and_ends_with_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "lazyregime.dashboard", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(2)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "the runs go on" in out and not err


def test_the_page_is_in_the_wheel_and_loads_nothing_from_elsewhere(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    assert {f"lazyregime/app/dashboard/page/{name}" for name, _ in STATIC.values()} <= there
    for name, _ in STATIC.values():
        text = (PAGE / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("// ", "") and "innerHTML" not in text
