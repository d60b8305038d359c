"""Each measure of a result is told in a paragraph, whatever metrics there are, with the numbers of the rule."""

from lazyregime.measure import verdict
from lazyregime.measure.explain import explained, verdict_words
from lazyregime.measure.metrics import all_metrics


def test_every_metric_that_a_result_has_is_explained_and_no_other():
    named = {m.name: m.name if m.kind == "movement" else f"{m.name}_final" for m in all_metrics()}
    told = explained({key: 0.25 for key in named.values()} | {"verdict": "lazy", "kernel_accuracy_adh_init": 0.5})
    heads = [head for head, _ in told]
    assert all(sum(f"({name})" in head for head in heads) == 1 for name in named)
    assert all(len(paragraph) > 40 and "\n" not in paragraph for _, paragraph in told)
    assert heads[0] == "verdict"
    assert [head for head, _ in explained({"kernel_growth": 2.0, "kernel_angle": None})] == [
        "kernel grew by a factor of  |T1| / |T0|: 2 (kernel_growth)"
    ]
    assert "2" not in explained({"kernel_growth": 2.0}, values=False)[0][0]


def test_the_rule_is_told_with_the_numbers_that_decide(monkeypatch):
    assert "0.33" in verdict_words() and "0.75" in verdict_words()
    monkeypatch.setattr(verdict, "FEATURE", 0.9)
    assert "0.9 on it learned features" in verdict_words()
