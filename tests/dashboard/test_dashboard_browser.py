"""The page in chromium: it follows runs that are being written, without being loaded again."""

import json
import os
import subprocess
import sys
import threading

import pytest
from chromium import Browser
from fake_runs import write_run

from lazyregime.app.dashboard.server import server_of

pytestmark = pytest.mark.browser
SWEEP = (
    *("data=sphere", "data.n_train=200", "data.n_test=50", "loss=mse", "arch.depth=1", "trainer.max_epochs=40"),
    *("width=16", "regime=lazy,regular", "tracking=csv", "group=g", "num_threads=1", "trainer.batch_size=8"),
)
ROWS = "[...document.querySelectorAll('#runs tbody tr')]"
STATUSES = f"{ROWS}.map((row) => row.cells[2].textContent)"
PROGRESS = f"{ROWS}.map((row) => row.cells[3].textContent)"
POINTS = (
    "document.querySelector('figure[data-curve=test_loss] polyline')?.getAttribute('points').split(' ').length ?? 0"
)


@pytest.fixture
def served(tmp_path):
    """A folder of runs, and a browser that looks at it."""
    runs = tmp_path / "runs"
    runs.mkdir()
    server = server_of(runs)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    with Browser(tmp_path / "profile") as browser:
        browser.size(1280, 900)
        browser.open(f"http://127.0.0.1:{server.server_port}/")
        yield runs, browser
    server.shutdown()
    server.server_close()


def test_a_sweep_is_followed_from_its_first_run_to_its_last(served):
    runs, browser = served
    assert "no runs" in browser.wait_for("!document.getElementById('empty').hidden && document.body.innerText")
    browser.value("window.neverLoadedAgain = true")
    command = [sys.executable, "-m", "lazyregime.train", "-m", *SWEEP]
    environment = os.environ | {"LAZYREGIME_RUNS": str(runs)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            follow(browser)
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert browser.value("window.neverLoadedAgain") is True and not browser.errors


def follow(browser):
    """From the first run that is not started to the figure of a complete one."""
    assert sorted(browser.wait_for(f"{ROWS}.length === 2 && {STATUSES}", 120))[0] == "not started"
    browser.wait_for(f"{STATUSES}.includes('running')", 60)
    some = browser.wait_for(POINTS, 60)
    browser.wait_for(f"({POINTS}) > {some}", 60)
    browser.wait_for(f"{STATUSES}.every((status) => status === 'complete')", 120)
    assert browser.value(PROGRESS) == ["40 of 40", "40 of 40"]
    browser.wait_for("document.querySelectorAll('figure[data-curve=test_loss] polyline').length === 2")
    browser.wait_for("document.querySelector('figure[data-curve=kernel_alignment] polyline') !== null")
    browser.value("document.querySelector('td.run button').click()")
    browser.wait_for("document.querySelector('dialog img')?.naturalWidth > 300")
    assert "Settings" in browser.value("document.querySelector('dialog').innerText")


def test_filter_and_sort(served):
    runs, browser = served
    for seed, width in enumerate((64, 128, 1024)):
        regime = "lazy" if width == 128 else "regular"
        write_run(runs / "g" / f"run-{seed:08x}", seed=seed, width=width, regime=regime, test_accuracy=0.9 + seed / 100)
    browser.wait_for(f"{ROWS}.length === 3")
    names = f"{ROWS}.map((row) => row.cells[1].querySelector('button').textContent.slice(-1)).join('')"

    def filtered(words):
        browser.value(
            f"f = document.getElementById('filter'); f.value = {json.dumps(words)}; f.dispatchEvent(new Event('input'))"
        )
        return browser.value(f"[...{names}].sort().join('')")

    assert filtered("lazy") == "1" and filtered("regular width>=128") == "2" and filtered("width<1024") == "01"
    assert filtered("status=complete seed=0") == "0" and filtered("status=running") == ""
    assert "No run fits" in browser.value("document.body.innerText")
    assert filtered("") == "012" and browser.value("document.getElementById('empty').hidden")
    browser.value("[...document.querySelectorAll('#runs th')].find((th) => th.textContent === 'reached').click()")
    assert browser.value(names) == "210"
    browser.value("[...document.querySelectorAll('#runs th')].find((th) => th.textContent === 'reached').click()")
    assert browser.value(names) == "012"


def test_a_telephone_shows_it_all_and_hostile_names_are_text(served):
    runs, browser = served
    browser.size(390, 800)
    evil = "<img src=x onerror=alert(1)>" + "x" * 60
    write_run(runs / "g" / evil, name=evil, verdict="</script><script>alert(1)</script>")
    browser.wait_for(f"{ROWS}.length === 1")
    browser.wait_for("document.querySelector('figure svg') !== null")
    assert evil in browser.value("document.body.innerText") and browser.value("document.images.length") == 0
    assert browser.value("document.documentElement.scrollWidth") <= 390
    browser.value("document.querySelector('td.run button').click()")
    browser.wait_for("document.querySelector('dialog').open")
    assert browser.value("document.documentElement.scrollWidth") <= 390 and not browser.errors


def test_a_server_that_has_ended_is_said_and_one_that_is_back_goes_on(served, tmp_path):
    runs, browser = served
    write_run(runs / "g" / "run-00000000")
    browser.wait_for(f"{ROWS}.length === 1")
    port = int(browser.value("location.port"))
    browser.value("window.asked = window.fetch; window.fetch = () => Promise.reject(new TypeError('no answer'))")
    assert "does not answer" in browser.wait_for(
        "!document.getElementById('trouble').hidden && document.body.innerText"
    )
    write_run(runs / "g" / "run-00000001", seed=1)
    browser.value("window.fetch = window.asked")
    browser.wait_for(f"{ROWS}.length === 2 && document.getElementById('trouble').hidden")
    assert int(browser.value("location.port")) == port
