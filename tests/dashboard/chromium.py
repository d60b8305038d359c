"""Debian's chromium without a screen, driven through a pipe by its own protocol: no driver, no port, no package."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--mute-audio"),
)
ANSWER_SECONDS = 120.0


class Browser:
    """One page; use it in a with block.

    Raises:
        RuntimeError: If there is no chromium.
    """

    def __init__(self, profile: Path) -> None:
        program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
        if program is None:
            raise RuntimeError(f"The dashboard's tests need one of {', '.join(PROGRAMS)}: `apt-get install chromium`.")
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        read_3, self._to = os.pipe()
        self._from, write_4 = os.pipe()
        # the browser reads at 3 and writes at 4
        shell = ["bash", "-c", f'exec "$@" 3<&{read_3} 4>&{write_4}', "bash"]
        self._process = subprocess.Popen(
            [*shell, program, *FLAGS, *as_root, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(read_3, write_4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_3)
        os.close(write_4)
        self._numbers, self._rest = itertools.count(1), b""
        self.errors: list[str] = []  # of the page's script
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self._of_page(f"{part}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)  # at which the browser leaves
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def size(self, width: int, height: int) -> None:
        """Of the window, in pixels; a narrow one is a telephone's."""
        self._of_page(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def open(self, address: str) -> None:
        """Go there, until it has been loaded."""
        self._of_page("Page.navigate", url=address)
        self.wait_for(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What JavaScript's expression is worth in the page; a promise is waited for."""
        told = self._of_page("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise AssertionError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 120.0) -> Any:
        """The expression's value once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.value(expression)):
            assert time.monotonic() < deadline, (
                f"{expression} within {seconds} s; {self.value('document.body.innerText')}"
            )
            time.sleep(0.05)
        return value

    def picture(self, path: Path) -> None:
        """The window as a PNG."""
        path.write_bytes(base64.b64decode(self._of_page("Page.captureScreenshot", format="png")["data"]))

    def _of_page(self, method: str, **values: Any) -> dict[str, Any]:
        return self._call(method, self._session, **values)

    def _call(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            told = self._message()
            if told.get("id") == number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
        raise AssertionError(f"the browser does not answer {method}")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(message)
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(told["params"]["exceptionDetails"]))
        if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.errors.append(str(told["params"]["entry"]))
        return told
