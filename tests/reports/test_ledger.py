"""The ledger: the largest size with the smaller beside, measurements kept as files, and numbers checked by markers."""

import json
import math
from pathlib import Path

import pytest
from fake_runs import write_run

from lazyregime.errors import LazyRegimeError
from lazyregime.report import main
from lazyregime.reports import load_runs
from lazyregime.reports.claims import Claim, Seeds, Size, all_claims, near
from lazyregime.reports.claims._trial import made_up
from lazyregime.reports.claims._unmeasured import UNMEASURED
from lazyregime.reports.ledger import commands_for, ledger, ledger_words
from lazyregime.reports.ledger_page import ledger_text, write_ledger
from lazyregime.reports.markers import wrong_numbers
from lazyregime.reports.pages.terminal import plain
from lazyregime.reports.results import Found, measure, measure_all, store, stored

DOCS = Path(__file__).resolve().parents[2] / "docs"


def of_size(n, value, seeds=3, **more):
    return [{"n_train": n, "seed": s, "x": value + 0.001 * s, "width": 8, **more} for s in range(seeds)]


def claim(published, name="a.b"):
    return Claim(
        name, "[A], 1", "It is so.", "x", near(1.0, 0.1), lambda runs: Seeds.of(runs).mean("x").measured("told"),
        "python -m lazyregime.train", trial=lambda folder, obeys: made_up([]),
        size=Size("n = {:,.0f}", "n_train", published=published), explanation="see there",
    )  # fmt: skip


def test_the_verdict_moves_with_the_size():
    runs = made_up([*of_size(300, 2.0), *of_size(4000, 1.0)])
    found = {"a.b": measure(runs, claim(0))}
    row = ledger([claim(0)], found).iloc[0]
    assert (row.verdict, row["size"], row.other_sizes) == ("holds", "n = 4,000", "fails at n = 300")
    assert (row.num_seeds, row.explanation, row.remark) == (3, "", "told")
    row = ledger([claim(60_000)], found).iloc[0]
    assert (row.verdict, row["size"]) == ("not measured", "n = 60,000")
    assert row.other_sizes == "fails at n = 300, holds at n = 4,000"
    row = ledger([claim(math.inf)], {"a.b": measure(made_up(of_size(300, 2.0)), claim(math.inf))}).iloc[0]
    assert (row.verdict, row["size"], row.published_size, row.explanation) == ("open", "n = 300", "n = ∞", "see there")


def test_what_is_refused_as_seeds_is_said():
    found = measure(made_up([*of_size(300, 1.0), *of_size(300, 1.0, width=16)]), claim(0))
    assert not found.at and "refused as seeds" in found.refused
    row = ledger([claim(0)], {"a.b": found}).iloc[0]
    assert row.verdict == "not measured" and "width 16 or 8" in row.remark


def test_a_claim_that_breaks_down_stops_no_other():
    broken = Claim("b.c", "[B], 1", "No.", "x", near(0, 1), lambda runs: 1 / 0, "x", trial=claim(0).trial)
    found = measure_all(made_up(of_size(300, 1.0)), [broken, claim(0)])
    table = ledger([broken, claim(0)], found)
    assert list(table.verdict) == ["not measured", "holds"]
    assert "ZeroDivisionError" in table.remark[0]


def test_measurements_are_kept_and_come_back(tmp_path):
    claims = [claim(0, "a.b"), claim(0, "a.c")]
    runs = made_up([*of_size(300, 1.0, seeds=1), *of_size(4000, 1.0)]).assign(commit="abc", finished="2026-01-01")
    store(tmp_path / "small.json", runs, measure_all(runs, claims[:1]))
    kept = json.loads((tmp_path / "small.json").read_text())
    assert kept["made_of"] == {"num_runs": 4, "commits": ["abc"], "finished": "2026-01-01"}
    assert kept["claims"]["a.b"][0]["low"] is None  # one seed has no interval
    more = made_up([*of_size(300, 2.0), *of_size(60_000, 1.0)])
    store(tmp_path / "z.json", more, measure_all(more, claims[1:]))
    found = stored(tmp_path)
    assert [(sized.size, sized.found.num_seeds) for sized in found["a.b"].at] == [(300, 1), (4000, 3)]
    assert [sized.size for sized in found["a.c"].at] == [300, 60_000]
    assert ledger(claims, found).verdict.tolist() == ["holds", "holds"]
    (tmp_path / "y.json").write_text(json.dumps({"schema": 1, "claims": {"a.b": [kept["claims"]["a.b"][1]]}}))
    assert len(stored(tmp_path)["a.b"].at) == 2  # the same size twice is one


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema": 7, "claims": {}}', '{"schema": 1, "claims": {"a": [1]}}']
)
def test_a_file_that_is_no_measurement_is_named(tmp_path, content):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(LazyRegimeError, match=r"bad\.json holds no measurements"):
        stored(tmp_path)


def test_the_ledger_of_the_poster(tmp_path, capsys):
    for seed in range(3):
        for width, value in ((1024, 0.70), (2048, 0.7851), (4096, 0.7885)):
            write_run(tmp_path / "runs" / f"regular-{width}-s{seed}-a", kernels=False, seed=seed, width=width,
                      kernel_accuracy_poster_init=value + 0.001 * seed)  # fmt: skip
    command = [str(tmp_path / "runs"), "--claims", "--store", str(tmp_path / "docs" / "results" / "poster.json")]
    assert main(command) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "The claims" in printed and "poster.mlp.lazy" in printed and "fails" in printed
    assert "experiment=poster_table_cnn" in printed and "gmmm20.sh" not in printed  # nothing of papers not begun on
    table = ledger(all_claims(), measure_all(load_runs(tmp_path / "runs"), all_claims())).set_index("id")
    assert table.verdict["poster.mlp.lazy"] == "fails"  # .7966 of width 8192 is lacking, and .0705 is too much already
    assert table.value["poster.mlp.lazy"] == pytest.approx(0.0695)
    assert table.verdict["poster.cnn.lazy"] == "not measured"
    assert main(["--ledger", str(tmp_path / "docs" / "ledger.md")]) == 0
    assert capsys.readouterr().out.startswith(f"{len(table)} claims: ")
    page = (tmp_path / "docs" / "ledger.md").read_text()
    assert "| mlp.lazy |" in page and page.count("\n| ") >= len(table)
    assert "fails at 60,000 images" in page


def test_the_words_of_the_ledger():
    claims = [claim(0, "a.b"), claim(0, "c.d")]
    table = ledger(claims, {"a.b": measure(made_up(of_size(300, 1.0)), claims[0])})
    words = ledger_words(table)
    assert words.lead == "2 claims: 1 holds, 1 not measured."
    text = " ".join(plain(words).split())
    assert "holds at n = 300" in text and "c.d" not in text
    assert commands_for(table) == [] and commands_for(ledger(claims, {})) == []


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("moves as -0.99<!-- = a.b.value -->", ""),
        ("moves as **-0.988**<!-- = a.b.value -->.", ""),
        ("| `-98.8%` <!-- = a.b.value --> |", ""),
        ("three<!-- = a.b.num_seeds -->", "no number stands before"),
        ("3<!-- = a.b.num_seeds --> seeds: holds at n = 4,000<!-- = a.b.size -->", ""),
        ("it **holds**<!-- = a.b.verdict -->, -9.88e-1<!-- = a.b.value -->", ""),
        ("moves as -0.98<!-- = a.b.value -->", "a.b.value is -0.988, and not -0.98"),
        ("moves as -1.0<!-- = a.b.value -->", ""),
        ("it fails<!-- = a.b.verdict -->", "a.b.verdict is 'holds'"),
        ("5<!-- = a.x.value -->", "there is no a.x.value"),
        ("5<!-- = a.b.colour -->", "there is no a.b.colour"),
    ],
)
def test_a_marked_number_is_what_was_measured(line, trouble):
    runs = made_up(of_size(4000, -0.989))
    told = Claim("a.b", "", "", "", near(-1, 0.1), claim(0).measure, "", claim(0).trial, size=claim(0).size)
    wrong = wrong_numbers(f"first\n{line}", ledger([told], {"a.b": measure(runs, told)}))
    assert wrong == [] if not trouble else (len(wrong) == 1 and trouble in wrong[0] and wrong[0].startswith("line 2"))


def test_the_pages_say_what_the_kept_measurements_say():
    table = ledger(all_claims(), stored(DOCS / "results"))
    pages = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
    assert {page.name: wrong for page in pages if (wrong := wrong_numbers(page.read_text(), table))} == {}


def test_the_ledger_in_docs_is_of_the_kept_measurements(tmp_path):
    if (DOCS / "results").is_dir():
        write_ledger(tmp_path / "ledger.md", DOCS / "results")
        assert (DOCS / "ledger.md").read_text() == (tmp_path / "ledger.md").read_text()


def test_without_measurements_nothing_is_measured(tmp_path):
    assert stored(tmp_path / "nowhere") == {}
    assert set(ledger(all_claims(), {}).verdict) == {"not measured"}
    assert Found() == Found((), "")


@pytest.mark.parametrize(
    "words", [[], ["--ledger", "x", "runs"], ["runs", "--store", "x"], ["--ledger", "x", "--claims"]]
)
def test_options_that_do_not_go_together(capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "error: " in capsys.readouterr().err


def test_what_has_no_verdict_has_a_reason():
    papers = {claim.id.partition(".")[0] for claim in all_claims()}
    for one in UNMEASURED:
        assert one.paper in papers | {"rv18b"} and one.statement.endswith(".") and one.reason
    _, title, rows = ledger_text(ledger(all_claims(), {})).partition("## Statements without a verdict\n")
    assert title and rows.count("\n| ") == len(UNMEASURED) + 1  # and the head
