"""Plain whole lines where nobody looks on; one live display on a terminal, nested tasks included."""

import io
import os
import pty
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import rich.box
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console as RichConsole
from rich.table import Table

from lazyregime.app import console as console_module
from lazyregime.app.console import Console, duration
from lazyregime.app.lines import lines_of

LONG = "/a/long/path" * 30


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand."""
    now = [0.0]
    monkeypatch.setattr(console_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_lines_are_whole_and_without_codes(capsys):
    console = Console()
    console.say(f"Run: {LONG} [bold]not markup[/bold] 0.98 :smile:")
    console.table(["run", "path"], [["α", LONG], [None, "[red]"]], title="Runs")
    out = capsys.readouterr().out
    assert f"Run: {LONG} [bold]not markup[/bold] 0.98 :smile:\n" in out
    assert LONG in out.splitlines()[4] and "[red]" in out and "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_numbers_stand_flush_right_and_words_flush_left(capsys):
    Console().table(["width", "name", "share"], [[8, "a", "5%"], [1024, "bcd", None], ["-", "e", "100%"]])
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["width", "name", "share"]
    assert [row.index(name) for row, name in zip(rows, ("a", "b", "e"), strict=True)] == [header.index("name")] * 3
    assert rows[0].startswith("    8") and rows[1].startswith(" 1024")


def test_warnings_and_errors_go_to_stderr_also_when_quiet(capsys):
    console = Console(quiet=True)
    console.say("a")
    console.table(["a"], [["b"]])
    with console.progress("c", 10) as update:
        update(10)
    console.warn("look out")
    console.error("broken")
    assert capsys.readouterr() == ("", "Warning: look out\nError: broken\n")


def test_what_takes_a_moment_has_no_progress_lines(capsys, clock):
    with Console().progress("kernel", 10) as update:
        for done in range(11):
            clock[0] += 0.15
            update(done)
    assert capsys.readouterr().out == ""


def test_what_takes_long_has_a_line_every_tenth_or_every_ten_seconds(capsys, clock):
    with Console().progress("kernel", 100) as update:
        for done in range(1, 101):
            clock[0] += 1.0
            update(done)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0] == "kernel: 10% (10/100), 10 s, about 1 min 30 s left"
    assert lines[-1] == "kernel: done, 1 min 40 s"
    with Console().progress("slow", 100) as update:
        for second in range(1, 36):
            clock[0] += 1.0
            update(second // 18, "epoch 1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        "slow: 0% (0/100), 10 s, epoch 1",
        "slow: 1% (1/100), 20 s, about 33 min 00 s left, epoch 1",
        "slow: 1% (1/100), 30 s, about 49 min 30 s left, epoch 1",
    ]


def test_an_unknown_total_is_counted(capsys, clock):
    with Console().progress("reading") as update:
        clock[0] += 11
        update(5)
    assert capsys.readouterr().out.splitlines()[0] == "reading: 5, 11 s"


def test_the_kernels_progress_learns_its_total(capsys, clock):
    with Console().kernel_progress("kernel") as progress:
        progress(0, 40)
        clock[0] += 12
        progress(20, 40)
    assert capsys.readouterr().out == "kernel: 50% (20/40), 12 s, about 12 s left\nkernel: done, 12 s\n"
    with Console().kernel_progress("never called"):
        pass
    assert capsys.readouterr().out == ""


def test_a_letter_that_the_encoding_has_not_stops_nothing(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    console = Console()
    console.say("α = 1")
    console.table(["α"], [["β"]])
    stream.flush()
    assert stream.buffer.getvalue().startswith(b"? = 1\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3600, "1 h 00 min"),
        (7384, "2 h 03 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


ON_A_TERMINAL = """
import time
from lazyregime.app.console import Console
console = Console()
assert console.is_terminal
console.say("path " + "x" * 300)
with console.progress("training", 20) as update:
    for done in range(1, 21):
        time.sleep(0.03)
        update(done, f"epoch {done}")
        if done == 10:
            console.say("said in between")
            with console.kernel_progress("kernel") as kernel:
                for step in range(10):
                    time.sleep(0.04)
                    kernel(step, 10)
with console.progress("again", 5) as update:
    update(1)
print("THE END")
"""


def on_a_terminal(script: str) -> str:
    """What the script writes on a terminal of 100 columns."""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", script], stdout=side, stderr=side, env=environment) as process:
        os.close(side)
        chunks = []
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        assert process.wait() == 0, b"".join(chunks).decode()
    os.close(main)
    return b"".join(chunks).decode()


def test_a_terminal_has_bars_one_in_the_other_and_what_is_said_stays_whole():
    screen = on_a_terminal(ON_A_TERMINAL)
    assert "x" * 300 in screen and "said in between" in screen
    assert "training" in screen and "kernel" in screen and "epoch" in screen and "━" in screen
    assert screen.endswith("THE END\r\n")
    assert screen.count("\x1b[?25h") == screen.count("\x1b[?25l") >= 1  # the cursor is there again


def test_an_update_costs_little():
    script = """
import time
from lazyregime.app.console import Console
with Console().progress("training", 20000) as update:
    start = time.process_time()
    for done in range(20000):
        update(done)
    cost = (time.process_time() - start) / 20000
print("COST", cost)
"""
    assert float(on_a_terminal(script).split("COST")[1]) < 20e-6
    start = time.process_time()
    with Console().progress("training", 5000) as update:
        for done in range(5000):
            update(done)
    assert (time.process_time() - start) / 5000 < 100e-6  # the type checks of pytest included


CELLS = st.text(st.characters(exclude_categories=["C", "Z", "M"], include_characters=" "), max_size=6).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_lines_of_a_table_are_those_that_rich_draws(rows, right):
    table = Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, is_right in zip("abc", right, strict=True):
        table.add_column(name, justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    drawn = RichConsole(markup=False, emoji=False, highlight=False, width=1000, file=io.StringIO())
    drawn.print(table)
    assert [line.rstrip() for line in drawn.file.getvalue().splitlines()] == lines_of("abc", rows, right)


def test_a_cell_of_several_lines_stays_in_its_column():
    assert lines_of(["x", "y"], [["a\nbb", "1"], ["", "2"]], [False, True]) == [
        "x    y",
        "──────",
        "a    1",
        "bb",
        "     2",
    ]
