"""A page at 127.0.0.1 that follows the runs in a folder.

A run folder is data, and a browser visits other pages too: what is read goes out as JSON and PNG only, for requests to
this machine's own name (else a foreign page could read it by pointing its name here), by GET, from a list of addresses.
"""

import json
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, final
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from lazyregime.app.console import Console
from lazyregime.app.dashboard.detail import detail_of, figure, metric_words_at_hand
from lazyregime.app.dashboard.index import RunIndex
from lazyregime.app.dashboard.report import ReportMaker
from lazyregime.app.dashboard.series import series_of
from lazyregime.errors import LazyRegimeError

HOST, PORT = "127.0.0.1", 8765
MOST_CURVES = 24  # runs in one request
PAGE = files("lazyregime.app.dashboard.page")
STATIC = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Query = Mapping[str, list[str]]
Answer = tuple[str, bytes]  # content type, body


def serve(folder: Path, console: Console, *, port: int = PORT, in_browser: bool = False) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        LazyRegimeError: If the port cannot be had.
    """
    server = server_of(folder, port)
    address = f"http://{HOST}:{server.server_port}/"
    console.say(f"The runs in {folder}: {address}   (Ctrl-C ends this page, not the runs)")
    if sys.stdout is not None:
        sys.stdout.flush()
    threading.Thread(target=metric_words_at_hand, daemon=True).start()  # the first detail need not wait for torch
    if in_browser and not webbrowser.open(address):
        console.warn(f"No browser was found here; open {address} in one.")
    with server:
        server.serve_forever()


def server_of(folder: Path, port: int = 0) -> "Server":
    """A server that listens, and has yet to be run.

    Raises:
        LazyRegimeError: If the port cannot be had.
    """
    if not 0 <= port <= 65535:
        raise LazyRegimeError(f"--port {port} is no port: give one from 1024 to 65535, or 0 for any that is free.")
    try:
        return Server(port, Pages(folder))
    except PermissionError:
        raise LazyRegimeError(f"--port {port} is the system's own: give one from 1024 to 65535, or 0.") from None
    except OSError as error:
        raise LazyRegimeError(
            f"Port {port} cannot be had ({error.strerror}), perhaps since another dashboard is at "
            f"http://{HOST}:{port}/; give another one, or --port 0 for any that is free."
        ) from None


@final
class Pages:
    """What there is at each address."""

    def __init__(self, folder: Path) -> None:
        self.index, self.report = RunIndex(folder), ReportMaker(folder)
        self.made: dict[str, Callable[[Query], Answer | None]] = {
            "/api/runs": self._runs,
            "/api/series": self._series,
            "/api/run": self._run,
            "/figure": self._figure,
            "/report": self._report,
        }

    def answer(self, path: str, query: Query) -> Answer | None:
        """The content at an address; None where there is nothing."""
        if path in STATIC:
            name, kind = STATIC[path]
            return kind, (PAGE / name).read_bytes()
        return self.made[path](query) if path in self.made else None

    def _runs(self, query: Query) -> Answer:
        version = _first(query, "since")
        return _json(self.index.since(int(version) if version.isdecimal() else -1, _first(query, "token")))

    def _series(self, query: Query) -> Answer:
        names = query.get("run", [])[:MOST_CURVES]
        return _json({name: series_of(path) for name in names if (path := self.index.path(name)) is not None})

    def _run(self, query: Query) -> Answer | None:
        path = self.index.path(_first(query, "run"))
        return None if path is None else _json(detail_of(path))

    def _figure(self, query: Query) -> Answer | None:
        path = self.index.path(_first(query, "run"))
        content = None if path is None else figure(path, _first(query, "name"))
        return None if content is None else ("image/png", content)

    def _report(self, query: Query) -> Answer:
        del query
        return "text/html", self.report.page().encode()


@final
class Server(ThreadingHTTPServer):
    """Listens on this machine."""

    daemon_threads = True

    def __init__(self, port: int, pages: Pages) -> None:
        self.pages = pages
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server_version, sys_version, protocol_version, timeout = "lazyregime", "", "HTTP/1.1", 60

    def do_GET(self) -> None:
        """Answer it."""
        assert isinstance(self.server, Server)
        port = self.server.server_port
        if self.headers.get("Host", "") not in {f"{HOST}:{port}", f"localhost:{port}"}:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"This page is for its own machine only.\n")
            return
        try:
            asked = urlsplit(self.path)
            found = self.server.pages.answer(asked.path, parse_qs(asked.query))
        except (OSError, ValueError) as error:  # folders change while they are read; a LazyRegimeError is a ValueError
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"{error}\n".encode(errors="replace"))
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.\n")
        else:
            self._send(HTTPStatus.OK, *found)

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in HEADERS.items():
                if self.path.startswith("/report") and name == "Content-Security-Policy":
                    continue  # the report brings its own, which is stricter
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # the page was closed meanwhile
            self.close_connection = True

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a page asks every second."""


def _first(query: Query, key: str) -> str:
    return query.get(key, [""])[0]


def _json(content: object) -> Answer:
    return "application/json", json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
