"""Regression with kernels of networks: products against dense kernels, closed-form validation, linearized training."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel, InfiniteCNN, InfiniteMLP, KernelRegression, accuracy
from lazyregime.networks import CNN, MLP, Linearized
from lazyregime.solve import flatten_gram


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    if kind == "cnn":
        return CNN(6, depth=2, image_size=6, n_outputs=3).double()
    if kind == "frozen":
        model = MLP(24, depth=2, in_features=36, n_outputs=3, parameterization="ntk").double()
        next(model.parameters()).requires_grad_(False)
        return model
    return MLP(24, depth=2, in_features=36, n_outputs=3, parameterization="ntk").double()


def jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """(n, k, p) of the parameters that require a gradient."""
    w = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    rows = jacrev(lambda p: functional_call(model, p, (x,)))(w)
    return torch.cat([g.flatten(2) for g in rows.values()], 2)


X, Z = draw(20, 1, 6, 6), draw(11, 1, 6, 6, seed=1)
LABELS = torch.arange(20) % 3


@pytest.mark.parametrize("kind", ["mlp", "cnn", "frozen"])
@pytest.mark.parametrize("memory_budget", [None, 1 << 15])
def test_products_are_those_of_the_jacobian(kind, memory_budget):
    model = network(kind)
    j, jz = jacobian(model, X), jacobian(model, Z)
    c = draw(20, 3, seed=2)
    kernel = EmpiricalKernel(model, memory_budget=memory_budget)
    expected = torch.einsum("map,nbp,nb->ma", jz, j, c)
    torch.testing.assert_close(kernel.apply(Z, X, c), expected, rtol=1e-10, atol=1e-10)
    trace = EmpiricalKernel(model, outputs="trace").apply(Z, X, c)
    torch.testing.assert_close(trace, torch.einsum("map,nap->mn", jz, j) @ c, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_a_network_is_regressed_without_its_test_kernel(kind, ridge):
    model = network(kind)
    j, jz = jacobian(model, X).reshape(60, -1), jacobian(model, Z).reshape(33, -1)
    y = nn.functional.one_hot(LABELS).double().reshape(60)
    expected = (jz @ j.T @ torch.linalg.solve(j @ j.T + ridge * torch.eye(60), y)).reshape(11, 3)
    regression = KernelRegression(model, ridge=ridge).fit(X, LABELS)
    predicted = regression.predict(Z)
    torch.testing.assert_close(regression.decision_values, expected, rtol=1e-6, atol=1e-8)
    assert predicted.tolist() == expected.argmax(1).tolist()
    assert regression.report.method == "cholesky"
    if ridge == 0:
        assert accuracy(regression.predict(X), LABELS) == 1.0


KERNELS = {
    "full": lambda: EmpiricalKernel(network("mlp")),
    "trace": lambda: EmpiricalKernel(network("mlp"), outputs="trace"),
    "infinite": InfiniteMLP,
    "nngp": lambda: InfiniteMLP(which="nngp", activation="erf"),
    "convolutional": lambda: InfiniteCNN(depth=1),
}


@pytest.mark.parametrize("name", KERNELS)
def test_conjugate_gradients_agree_with_cholesky_for_every_kernel(name):
    kernel = KERNELS[name]()
    ridge = {"relative_ridge": 1e-2}
    direct = KernelRegression(kernel, solver="cholesky", **ridge).fit(X, LABELS)
    iterative = KernelRegression(kernel, solver="cg", tolerance=1e-8, **ridge).fit(X, LABELS)
    assert iterative.report.method == "cg" and iterative.report.iterations > 0
    assert iterative.report.ridge == pytest.approx(direct.report.ridge)
    assert iterative.report.residual < 1e-7
    assert iterative.report.condition_number == pytest.approx(direct.report.condition_number, rel=0.01)
    torch.testing.assert_close(iterative.dual, direct.dual, rtol=1e-5, atol=1e-6 * float(direct.dual.abs().max()))
    assert iterative.predict(Z).tolist() == direct.predict(Z).tolist()


def test_all_kernels_predict_what_their_gram_matrices_do():
    for protocol in ("adh", "poster"):
        for name in ("trace", "infinite", "convolutional"):
            kernel = KERNELS[name]()
            by_kernel = KernelRegression(kernel, protocol=protocol).fit(X, LABELS)
            by_gram = KernelRegression(protocol=protocol).fit_gram(kernel.gram(X), LABELS)
            assert by_kernel.predict(Z).tolist() == by_gram.predict_gram(kernel.cross(Z, X)).tolist()
            torch.testing.assert_close(by_kernel.decision_values, by_gram.decision_values, rtol=1e-6, atol=1e-8)


def test_the_preconditioner_saves_iterations_and_a_small_budget_chooses_conjugate_gradients():
    kernel, x = InfiniteMLP(depth=1), draw(120, 4)
    labels = torch.arange(120) % 2
    counts = {
        rank: KernelRegression(kernel, solver="cg", relative_ridge=1e-4, rank=rank).fit(x, labels).report.iterations
        for rank in (0, 30)
    }
    assert counts[30] < counts[0] / 2
    chosen = KernelRegression(kernel, relative_ridge=1e-4, memory_budget=1 << 18).fit(x, labels)
    assert chosen.report.method == "cg"


def test_progress_is_told_of_every_iteration_and_of_every_pair_once():
    told: list[tuple[int, float]] = []
    kernel = EmpiricalKernel(network("mlp"), outputs="trace")
    options = {"solver": "cg", "relative_ridge": 1e-2, "progress": lambda *state: told.append(state)}
    regression = KernelRegression(kernel, **options).fit(X, LABELS)
    assert [count for count, _ in told] == list(range(regression.report.iterations + 1))
    assert told[0][1] == 1 and told[-1][1] <= 1e-6 < told[-2][1]
    pairs: list[tuple[int, int]] = []
    in_parts = EmpiricalKernel(
        network("mlp"), outputs="trace", memory_budget=1 << 19, progress=lambda *state: pairs.append(state)
    )
    in_parts.apply(draw(4000, 1, 6, 6), X, draw(20, 3))  # 1638 rows at a time
    assert [done for done, _ in pairs] == sorted(done for done, _ in pairs)
    assert pairs[-1] == (80_000, 80_000) and {total for _, total in pairs} == {80_000} and len(pairs) > 2


def test_conjugate_gradients_that_fail_say_so():
    x = draw(60, 2)
    with pytest.raises(LazyRegimeError, match="Conjugate gradients reached"):
        KernelRegression(InfiniteMLP(), solver="cg", max_iterations=2).fit(x, torch.arange(60) % 2)
    with pytest.raises(LazyRegimeError, match="cholesky"):
        KernelRegression(InfiniteMLP(), solver="cg", ridge=1.0).fit(x, torch.arange(60) % 2).gcv_error()


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("coding", ["one_hot", "0.9/-0.1", "centred", None])
def test_leave_one_out_is_what_leaving_one_out_gives(full, ridge, coding):
    kernel = EmpiricalKernel(network("mlp"), outputs="full" if full else "trace")
    gram, labels = kernel.gram(X), draw(20, 3, seed=4) if coding is None else LABELS
    options = {"ridge": ridge, "coding": coding or "one_hot", "n_outputs": 3}
    regression = KernelRegression(**options).fit_gram(gram, labels)
    values = regression.leave_one_out()
    for i in (0, 7, 19):
        rest = [r for r in range(20) if r != i]
        without = KernelRegression(**options).fit_gram(gram[rest][:, rest], labels[rest])
        without.predict_gram(gram[[i]][:, rest])
        torch.testing.assert_close(values[i], without.decision_values[0], rtol=1e-6, atol=1e-8)
    y = labels if coding is None else nn.functional.one_hot(LABELS).double() - (0.1 if coding == "0.9/-0.1" else 0.0)
    assert regression.loo_error() == pytest.approx(float((values - y).square().mean()))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("coding", ["one_hot", "centred", None])
def test_leave_one_out_with_an_offset_is_what_leaving_one_out_gives(full, coding):
    model, labels = network("mlp"), draw(20, 3, seed=4) if coding is None else LABELS
    kernel = EmpiricalKernel(model, outputs="full" if full else "trace")

    def fit(rows: list[int]) -> KernelRegression:
        options = {"offset": model, "ridge": 0.1, "coding": coding or "one_hot", "n_outputs": 3}
        return KernelRegression(kernel, **options).fit(X[rows], labels[rows])

    everything = fit(list(range(20)))
    values = everything.leave_one_out()
    refits = []
    for i in range(20):
        without = fit([r for r in range(20) if r != i])
        without.predict(X[[i]])
        refits.append(without.decision_values[0])
    torch.testing.assert_close(values, torch.stack(refits), rtol=1e-6, atol=1e-8)
    y = labels if coding is None else nn.functional.one_hot(LABELS).double()
    assert everything.loo_error() == pytest.approx(float((torch.stack(refits) - y).square().mean()))


def test_leave_one_out_of_one_sample_and_of_dual_weights_is_refused():
    gram = EmpiricalKernel(network("mlp"), outputs="trace").gram(X)
    with pytest.raises(LazyRegimeError, match="at least two samples"):
        KernelRegression(n_outputs=3).fit_gram(gram[:1, :1], LABELS[:1]).leave_one_out()
    for name in ("leave_one_out", "loo_error", "gcv_error"):
        with pytest.raises(LazyRegimeError, match='of the values that protocol="adh" reads'):
            getattr(KernelRegression(protocol="poster").fit_gram(gram, LABELS), name)()


def test_gcv_is_leave_one_out_where_all_samples_are_alike_and_predicts_the_test_error():
    n = 24  # a circulant kernel: H^{-1} has a constant diagonal
    angle = torch.arange(n).double() * 2 * torch.pi / n
    gram = torch.exp(torch.cos(angle[:, None] - angle))
    targets = draw(n, 2, seed=5)
    regression = KernelRegression(ridge=0.1).fit_gram(gram, targets)
    assert regression.gcv_error() == pytest.approx(regression.loo_error(), rel=1e-9)
    x, z = (10**0.5 * t / t.norm(dim=1, keepdim=True) for t in (draw(300, 10), draw(2000, 10, seed=1)))
    f = lambda t: t[:, :1].tanh() + t[:, 1:2] * t[:, 2:3]  # noqa: E731
    kernel = InfiniteMLP()
    regression = KernelRegression(kernel, ridge=0.05).fit(x, f(x))
    test = float((regression.predict(z) - f(z)).square().mean())
    assert regression.gcv_error() == pytest.approx(test, rel=0.25)  # 300 samples: the spread of the estimate
    assert regression.loo_error() == pytest.approx(test, rel=0.25)


@pytest.mark.parametrize("full", [False, True])
def test_gcv_with_centred_labels_is_that_of_the_map_from_labels_to_fits(full):
    kernel = EmpiricalKernel(network("mlp"), outputs="full" if full else "trace").gram(X)
    regression = KernelRegression(ridge=0.2, coding="centred").fit_gram(kernel, LABELS)
    mean = torch.full((20, 20), 1 / 20, dtype=torch.float64)
    if full:
        kernel, mean = flatten_gram(kernel), torch.kron(mean, torch.eye(3).double())
    size = len(kernel)
    y = nn.functional.one_hot(LABELS).double().reshape(size, -1)
    eye = torch.eye(size).double()
    left = eye - mean - kernel @ torch.linalg.inv(kernel + 0.2 * eye) @ (eye - mean)
    expected = (left @ y).square().mean() / (left.trace() / size) ** 2
    assert regression.gcv_error() == pytest.approx(float(expected), rel=1e-9)


def test_the_linearized_network_is_trained_to_the_kernel_regression_with_the_network_as_offset():
    model = network("mlp")
    x, z, labels = X[:2], Z, LABELS[:2]
    y = nn.functional.one_hot(labels, 3).double()
    linear = Linearized(model)
    f0 = model(x).detach()
    j = jacobian(model, x).flatten(0, 1)
    low, *_, high = torch.linalg.eigvalsh(j @ j.T).sqrt().tolist()
    # heavy ball at its best step and momentum, so that few steps converge
    step, momentum = 4 / (high + low) ** 2, ((high - low) / (high + low)) ** 2
    optimizer = torch.optim.SGD(linear.delta.parameters(), lr=step, momentum=momentum)
    for _ in range(100):
        optimizer.zero_grad()
        (0.5 * (f0 + linear(x) - y).square().sum()).backward()
        optimizer.step()
    assert float((f0 + linear(x).detach() - y).abs().max()) < 1e-6
    regression = KernelRegression(linear, offset=model).fit(x, labels)
    regression.predict(z)
    torch.testing.assert_close(regression.decision_values, (model(z) + linear(z)).detach(), rtol=1e-4, atol=1e-4)


def test_float32_networks_give_the_predictions_of_float64():
    model = network("mlp")
    precise = KernelRegression(model, relative_ridge=1e-4).fit(X, LABELS)
    precise.predict(Z)
    rough = KernelRegression(model.float(), relative_ridge=1e-4).fit(X.float(), LABELS)
    rough.predict(Z.float())
    torch.testing.assert_close(rough.decision_values, precise.decision_values, rtol=1e-3, atol=1e-3)


def test_gram_matrices_for_a_solve_are_accumulated_in_float64_and_known_to_be_of_the_models_accuracy():
    model, x = network("mlp").float(), X.float()
    exact = torch.einsum("nap,mbp->nmab", *[jacobian(network("mlp"), X)] * 2)
    kernel = EmpiricalKernel(model)
    gram, single = kernel.gram(x), kernel.cross(x)
    assert (gram.dtype, single.dtype) == (torch.float64, torch.float32)
    assert (gram - exact).norm() < (single - exact).norm() < 1e-5 * exact.norm()
    assert InfiniteMLP().gram(x).dtype == InfiniteCNN(depth=1).gram(x).dtype == torch.float64
    twice, labels = torch.cat([x, x[:1]]), torch.cat([LABELS, LABELS[:1]])
    jitter = KernelRegression(model).fit(twice, labels).report.jitter
    assert jitter > 1e4 * KernelRegression(model.double()).fit(twice.double(), labels).report.jitter > 0


def test_wrong_use_is_refused():
    with pytest.raises(LazyRegimeError, match="has no kernel"):
        KernelRegression().fit(X, LABELS)
    with pytest.raises(LazyRegimeError, match="trace"):
        KernelRegression(network("mlp"), protocol="poster").fit(X, LABELS)
    with pytest.raises(LazyRegimeError, match="eval"):
        KernelRegression(nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.Dropout()))
    with pytest.raises(LazyRegimeError, match="predict_gram"):
        KernelRegression(InfiniteMLP()).fit_gram(InfiniteMLP().gram(X), LABELS).predict(Z)
    with pytest.raises(LazyRegimeError, match="solver"):
        KernelRegression(solver="lu")
