"""Tables as text, Markdown and HTML: aligned, escaped, within the width."""

import base64
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lazyregime.reports.pages.document import Document, Picture
from lazyregime.reports.pages.html import page
from lazyregime.reports.pages.latex import latex, latex_page
from lazyregime.reports.pages.markdown import markdown
from lazyregime.reports.pages.table import Cell, Span, Table, arrow, fraction, short
from lazyregime.reports.pages.terminal import plain, show

TABLE = Table(
    "Runs <b>",
    (("name of it", "left"), ("value", "right"), ("reason", "left")),
    [Span("one | section"), [Cell("a"), Cell("1.5", "warn"), Cell("because " * 20)], Span("remark", heading=False)],
    ["A note & more."],
    "All rows: usual.",
)


@pytest.mark.parametrize(
    ("value", "text"), [(0.7705, ".7705"), (1.0, "1.0000"), (0.0, ".0000"), (-0.25, "-.2500"), (float("nan"), "-")]
)
def test_fraction(value: float, text: str) -> None:
    assert fraction(value) == text


def test_numbers_in_words() -> None:
    assert fraction(0.98765, 0.00123) == ".9877 ± .0012"
    assert [short(x) for x in (0.0, 0.1234, 1.234, 1234.0, 3e-8, float("nan"))] == [
        *("0", "0.123", "1.23", "1.23e+03", "3e-08", "-"),
    ]
    assert (arrow(".8", ".9"), arrow("-", "-")) == (".8 → .9", "-")


@pytest.mark.parametrize("width", [80, 100])
def test_plain_text_keeps_the_width_and_every_word(width: int) -> None:
    text = plain(TABLE, width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("because") == 20
    assert all(words in text for words in ("one | section", "remark", "A note & more.", "All rows: usual."))


def test_a_pipe_gets_no_colour_and_a_terminal_does() -> None:
    for terminal in (False, True):
        out = io.StringIO()
        show(TABLE, Console(file=out, force_terminal=terminal, color_system="standard" if terminal else None, width=90))
        assert ("\x1b[" in out.getvalue()) == terminal


def test_markdown_has_as_many_cells_in_each_row() -> None:
    rows = [line.replace("\\|", "") for line in markdown(TABLE).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {4}
    assert "## Runs \\<b>" in markdown(TABLE)


def test_html_escapes_what_it_is_given() -> None:
    commands = ["run --x '<y>'"]
    text = page(Document("<script>alert(1)</script>", "a & b", [TABLE], commands=commands))
    assert text.count("<script") == 1
    assert "<b>" not in text
    assert "a &amp; b" in text
    assert 'colspan="3"' in text


def test_the_page_may_run_its_own_script_and_nothing_else() -> None:
    text = page(Document("a", "b"))
    script = text.partition("<script>")[2].partition("</script>")[0]
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{hashed}'" in text and "default-src 'none'" in text


def test_a_folded_table_is_not_open() -> None:
    folded = replace(TABLE, folded=True)
    assert "<details><summary>Runs &lt;b&gt;" in page(Document("a", "b", [folded]))
    assert "Runs" not in latex_page(Document("a", "b", [folded]), Path())


def test_latex_prints_what_it_is_given() -> None:
    text = latex(Table("50% _of_ #1", (("α", "left"), ("‖Θ₁‖", "right")), [[Cell("a & b"), Cell("$\\frac{a$ 名")]]))
    assert r"\subsection*{50\% \_of\_ \#1}" in text
    assert r"a \& b & \$\textbackslash{}frac\{a\$ ?" in text
    assert r"$\alpha$ & $\Vert$$\Theta$$_{1}$$\Vert$" in text


def test_latex_takes_no_path_that_could_be_a_command() -> None:
    pictures = [Picture(Path("figures/a-1.png"), "a"), Picture(Path("x}\\input{y/summary.png"), "b")]
    text = latex_page(Document("a", "b", [], pictures), Path())
    assert "{figures/a-1.png}" in text and "input{y" not in text


def test_a_long_table_is_cut_on_the_screen_alone() -> None:
    table = Table("long", (("a", "left"),), [[Cell(str(number))] for number in range(500)])
    out = io.StringIO()
    show(table, Console(file=out))
    assert "380 more lines are in the report" in out.getvalue()
    assert len(plain(table).splitlines()) > 500
