"""The null: what two initializations differ by, against explicit kernels; and where it is kept."""

import json
import math
from dataclasses import replace

import pytest
import torch
from problem import small_data
from test_probe import trace_kernel

from lazyregime.measure import null as null_module
from lazyregime.measure.null import FIRST_SEED, null_of
from lazyregime.measure.points import points_of
from lazyregime.networks import MLP


def draw_mlp(width, **options):
    def draw(seed):
        assert torch.initial_seed() == seed
        return MLP(width, depth=2, in_features=25, n_outputs=3, **options).double()

    return draw


def some_points(**options):
    return points_of(small_data(), anchors_per_class=4, **options)


def test_it_is_what_explicit_kernels_of_fresh_networks_differ_by():
    points = replace(some_points(n_held_out=20), test_inputs=noisy(small_data().test_inputs))
    null = null_of(draw_mlp(16), points, num_draws=3)
    networks = []
    for number in range(3):
        torch.manual_seed(FIRST_SEED + number)
        networks.append(MLP(16, depth=2, in_features=25, n_outputs=3).double())
    x, z = points.anchors, points.held_out
    h = torch.eye(20).double() - 1 / 20
    y = torch.nn.functional.one_hot(points.anchor_labels).double()
    grams = [trace_kernel(network, x, x) for network in networks]
    centred = [h @ trace_kernel(network, z, z) @ h for network in networks]
    right = [
        float(((trace_kernel(n, z, x) @ torch.linalg.solve(k, y)).argmax(1) == points.held_out_labels).double().mean())
        for n, k in zip(networks, grams, strict=True)
    ]
    pairs = [(0, 1), (0, 2), (1, 2)]

    def cosine(a, b):
        return float((a * b).sum() / a.norm() / b.norm())

    assert null.angle == pytest.approx(rms([math.sin(math.acos(cosine(grams[i], grams[j]))) for i, j in pairs]))
    assert null.cka == pytest.approx(rms([1 - cosine(centred[i], centred[j]) for i, j in pairs]))
    assert null.gain == pytest.approx(rms([right[i] - right[j] for i, j in pairs]))
    assert null.gain > 0 and null.num_draws == 3


def noisy(x):
    """So that regression is wrong somewhere."""
    return x + 0.6 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)


def rms(values):
    return math.sqrt(sum(v * v for v in values) / len(values))


def test_one_held_out_point_leaves_the_angle_and_the_gain(tmp_path):
    """A kernel of one point is nothing once it is centred, so that only the CKA has no value."""
    whole, one = (null_of(draw_mlp(16), points, kept_in=tmp_path) for points in (some_points(), some_points(n_test=1)))
    assert one.cka is None and whole.cka is not None
    assert one.angle == pytest.approx(whole.angle)
    assert null_of(draw_mlp(16), some_points(n_test=1), kept_in=tmp_path) == one


def test_it_falls_as_one_over_the_root_of_the_width():
    narrow, wide = (
        null_of(draw_mlp(width, parameterization="ntk"), some_points(), num_draws=24) for width in (128, 2048)
    )
    # the root mean square of 24 draws is known to about 1 / sqrt(2 * 24), so the slope to 0.07
    assert math.log(wide.angle / narrow.angle) / math.log(16) == pytest.approx(-0.5, abs=0.15)
    assert math.log(wide.cka / narrow.cka) / math.log(16) == pytest.approx(-1, abs=0.3)  # the square of a sine


def test_it_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    null_of(draw_mlp(4), some_points())
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_measured_once_for_an_architecture_and_read_after_that(tmp_path, monkeypatch):
    points, looks = some_points(), []
    original = null_module.look

    def look(*arguments):
        looks.append(1)
        return original(*arguments)

    monkeypatch.setattr(null_module, "look", look)
    first = null_of(draw_mlp(16), points, kept_in=tmp_path)
    assert len(looks) == 2
    assert null_of(draw_mlp(16), some_points(), kept_in=tmp_path) == first
    assert len(looks) == 2
    # another width, another activation, other points, more draws: each another null
    null_of(draw_mlp(17), points, kept_in=tmp_path)
    null_of(draw_mlp(16, activation="tanh"), points, kept_in=tmp_path)
    null_of(draw_mlp(16), some_points(n_held_out=5), kept_in=tmp_path)
    null_of(draw_mlp(16), points, num_draws=3, kept_in=tmp_path)
    assert len(looks) == 2 * 4 + 3
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"angle": "x", "sha256": ""}', "a digit", "another's"])
def test_what_was_kept_and_is_damaged_is_measured_anew(tmp_path, damage):
    first = null_of(draw_mlp(16), some_points(), kept_in=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_text()
    if damage == "a digit":
        damage = whole.replace("0.", "0.1", 1)
    elif damage == "another's":
        null_of(draw_mlp(17), some_points(), kept_in=tmp_path / "other")
        damage = next((tmp_path / "other").iterdir()).read_text()
    path.write_text(damage)
    assert null_of(draw_mlp(16), some_points(), kept_in=tmp_path) == first
    assert json.loads(path.read_text()) == json.loads(whole)
