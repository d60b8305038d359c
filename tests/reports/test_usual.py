"""What is said once above a table is true of every row that does not say otherwise."""

import math

import pandas as pd
import pytest
from fake_runs import config, result
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyregime.reports.load import as_table
from lazyregime.reports.pages.table import Span, Table
from lazyregime.reports.reading.cleaning import flatten
from lazyregime.reports.sections.poster import poster_words
from lazyregime.reports.sections.regimes import regimes_words
from lazyregime.reports.tables.poster import poster_table
from lazyregime.reports.tables.regimes import regimes_table
from lazyregime.reports.tables.usual import Usual, remark

# how a setting is put into a run, and how a reader is told of it
CHOICES = {
    "optimizer": ("result", ["adam", "sgd"], "optimizer {}"),
    "n_train": ("result", [100, 60000], "training images {:,}"),
    "num_anchors": ("result", [30, 300], "anchors {}"),
    "trainer.max_epochs": ("config", [1, 5, 20], "epochs {}"),
    "trainer.batch_size": ("config", [64, 128], "batch size {}"),
    "optimizer.lr": ("config", [0.001, 0.01, 0.5], "learning rate {}"),
    "trainer.schedule": ("config", ["linear", "plateau"], "schedule {}"),
}
TOLD_OF_ALL = ("optimizer", "n_train", "num_anchors", "trainer.max_epochs", "trainer.batch_size", "trainer.schedule")
run = st.fixed_dictionaries(
    {
        "width": st.sampled_from([1024, 2048]),
        "regime": st.sampled_from(["regular", "regular", "lazy", "scaled"]),
        "seed": st.integers(0, 2),
        **{key: st.sampled_from(values) for key, (_, values, _) in CHOICES.items()},
    }
)


def table_of(chosen: list[dict[str, object]]) -> pd.DataFrame:
    """The runs as load_runs reads them; each has a test accuracy of its own, by which its row is found again."""
    rows = []
    for number, one in enumerate(chosen):
        told = {key: one[key] for key, (place, *_) in CHOICES.items() if place == "result"}
        told |= {key: one[key] for key in ("width", "regime", "seed")}
        scalars = result(**told, name=f"run {number}", finished=f"2026-01-01T{number:02}:00:00")
        changes = {key: one[key] for key, (place, *_) in CHOICES.items() if place == "config"}
        whole = flatten(scalars) | {f"config.{k}": v for k, v in flatten(config(scalars, **changes)).items()}
        rows.append(whole | {"status": "complete", "reason": "", "path": f"run-{number}"})
    return as_table(rows)


def said(one: dict[str, object], keys: tuple[str, ...]) -> frozenset[str]:
    return frozenset(CHOICES[key][2].format(one[key]) for key in keys)


def statements(text: str) -> set[str]:
    return set(text.strip().removeprefix("Unless a row says otherwise: ").rstrip(".").split(", ")) - {""}


def subject(statement: str) -> str:
    return statement.rpartition(" ")[0]


def reading(unless: str, told: str) -> set[str]:
    """What a reader takes a row to be: what it says, and of the sentence above what it does not speak of."""
    own = statements(told)
    return own | {one for one in statements(unless) if subject(one) not in {subject(other) for other in own}}


@settings(max_examples=60, deadline=None)
@given(st.lists(run, min_size=1, max_size=9))
def test_no_header_contradicts_a_row(chosen):
    runs = table_of(chosen)
    for told, words, keys in (
        (regimes_table(runs), regimes_words, TOLD_OF_ALL),
        (poster_table(runs), poster_words, tuple(CHOICES)),
    ):
        regular = "regime" not in told.table  # the poster's table is of regular runs
        true = {
            (one["width"], one["regime"], said(one, keys))
            for one in chosen
            if one["regime"] == "regular" or not regular
        }
        subjects = {subject(statement) for *_, statements_ in true for statement in statements_}
        read = set()
        for row in told.table.to_dict("records"):
            told_of_row = {one for one in reading(told.unless, str(row["settings"])) if subject(one) in subjects}
            read.add((row["width"], row.get("regime", "regular"), frozenset(told_of_row)))
        assert read == true, told.unless
        shown = words(told)
        assert shown.lead == told.unless
        assert len(remarks(shown)) == sum(map(bool, _settings_shown(told.table)))


def remarks(table: Table) -> list[str]:
    return [line.text for line in table.lines if isinstance(line, Span) and "(" in line.text]


def _settings_shown(table: pd.DataFrame) -> list[str]:
    if "row" in table:  # of the poster's, a section has one heading
        return list(table.drop_duplicates(["network", "width", "key"]).settings)
    return list(table.settings)


def test_one_long_run_and_one_short_one_each_say_what_they_are():
    long, short = (("epochs", "20"), ("loss", "mse")), (("epochs", "1"), ("loss", "mse"))
    for order in ([long, short], [short, long]):
        usual = Usual.of(order)
        assert usual.sentence(("epochs", "loss")) == "Unless a row says otherwise: loss mse."
        assert [remark(usual.unlike(one)) for one in (long, short)] == ["epochs 20", "epochs 1"]
    usual = Usual.of([long, short, long])
    assert usual.sentence(("loss", "epochs")) == "Unless a row says otherwise: loss mse, epochs 20."
    assert [remark(usual.unlike(one)) for one in (long, short)] == ["", "epochs 1"]


def test_what_a_row_lacks_it_says():
    usual = Usual.of([(("schedule", "linear"),), (("schedule", "linear"),), ()])
    assert remark(usual.unlike(())) == "schedule none"
    assert Usual.of([]).sentence(("a",)) == ""


def test_an_architectures_own_settings_say_nothing_of_others():
    usual = Usual.of([(("arch[cnn].padding", "1"), ("arch[cnn]", "chosen")), (), (), ()])
    assert remark(usual.unlike(())) == ""
    assert remark(usual.unlike((("arch[cnn].padding", "2"),))) == "arch.padding 2"


@pytest.mark.parametrize("pair", [(0.1234567, 0.1234568), (2**40, 2**40 + 1), (1e-9, 1.0000001e-9)])
def test_settings_that_differ_are_not_averaged(pair):
    runs = table_of([{**dict.fromkeys(["seed"], 0), **_plain(), "optimizer.lr": value} for value in pair])
    assert len(regimes_table(runs).table) == 2
    assert not math.isnan(regimes_table(runs).table.test_accuracy.iloc[0])


def _plain() -> dict[str, object]:
    return {"width": 1024, "regime": "regular"} | {key: values[0] for key, (_, values, _) in CHOICES.items()}
