"""trainer.diverged_above: a training that rises too far ends before the next step, and says where."""

import torch
from problem import fit, recorder, small_data, small_network, small_regime

from lazyregime.data import Batches
from lazyregime.measure.divergence import Divergence
from lazyregime.regimes import MSE, SGD


def trained(lr, above):
    data = small_data()
    module, watch = small_regime(loss=MSE(), optimizer=SGD(lr=lr)), Divergence(above)
    rows = recorder(data)
    trainer = fit(module, data, [rows, watch], epochs=4)
    return module, watch, trainer, data


def by_hand(lr, above, network, batches):
    """Gradient descent until a loss is above so many times the first; the steps taken, None for all."""
    first = None
    for step, (x, y) in enumerate(batches):
        loss = 0.5 * (network(x) - torch.nn.functional.one_hot(y, 3)).square().sum(1).mean()
        first = loss.detach() if first is None else first
        if loss > above * first:
            return step
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for p, g in zip(network.parameters(), gradients, strict=True):
                p -= lr * g
    return None


def test_it_ends_where_gradient_descent_by_hand_does():
    module, watch, trainer, data = trained(3.0, 30.0)
    network = small_network()
    assert (
        by_hand(3.0, 30.0, network, Batches(data.train_inputs, data.train_labels, batch_size=20, seed=1)) == watch.step
    )
    assert watch.told() and trainer.global_step <= watch.step + 1
    for ours, theirs in zip(module.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)  # the step that was not taken moved nothing


def test_below_the_bound_nothing_is_changed():
    module, watch, trainer, data = trained(0.01, 30.0)
    plain = small_regime(loss=MSE(), optimizer=SGD(lr=0.01))
    fit(plain, data, [recorder(data)], epochs=4)
    assert watch.step is None and not watch.told() and trainer.current_epoch == 4
    for ours, theirs in zip(module.network.parameters(), plain.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_training_that_has_ended_stays_ended():
    _, watch, _, data = trained(3.0, 30.0)
    again = Divergence(30.0)
    again.load_state_dict(watch.state_dict())
    module = small_regime(loss=MSE(), optimizer=SGD(lr=3.0))
    trainer = fit(module, data, [recorder(data), again], epochs=1)
    assert trainer.should_stop and again.step == watch.step
