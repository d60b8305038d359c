"""Every claim can hold and can fail: each is fed made-up runs of which its statement is true, and false."""

import pandas as pd
import pytest

from lazyregime.reports.claims import all_claims
from lazyregime.reports.results import measure


@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_a_claim_tells_true_runs_from_false_ones(claim, tmp_path):
    judged = {}
    for obeys in (True, False):
        found = measure(claim.trial(tmp_path / str(obeys), obeys), claim)
        assert not found.refused
        judged[obeys] = claim.judge(found.at[-1].found)
    assert judged == {True: "holds", False: "fails"}


@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_without_runs_nothing_is_measured(claim):
    nothing = pd.DataFrame({name: [] for name in ("status", "regime", "arch", "group", "machine", "data", "width")})
    nothing = nothing.assign(alpha=0.0, n_train=0.0)
    found = measure(nothing, claim)
    assert not found.at and not found.refused and claim.verdict(None) == "not measured"
