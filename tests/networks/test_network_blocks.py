"""ResNet-18, VGG-11 and transformers against PyTorch's own layers, known sizes, and what causality means."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import VGG11, LayerFactory, ResNet18, SelfAttention, Transformer, ViT

# Of the usual implementations for CIFAR-10, with 3 channels and 10 classes.
COUNTS = [
    (lambda: ResNet18(64, in_channels=3, norm="batch"), 11_173_962),
    (lambda: VGG11(64, in_channels=3, image_size=32), 9_225_610),
]


@pytest.mark.parametrize(("make", "count"), COUNTS)
def test_original_sizes(make, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in make().parameters()) == count


def make(parameterization="standard", width=12):
    return LayerFactory(parameterization, width)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_pytorchs(causal):
    torch.manual_seed(0)
    ours, x = SelfAttention(make(), head_size=4, causal=causal).double(), torch.randn(2, 5, 12, dtype=torch.float64)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.queries_keys_values.weight)
        theirs.in_proj_bias.copy_(ours.queries_keys_values.bias)
        theirs.out_proj.load_state_dict(ours.heads_to_tokens.state_dict())
    mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64) if causal else None
    expected, _ = theirs(x, x, x, attn_mask=mask, need_weights=False, is_causal=causal)
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-12)


def test_a_causal_network_says_of_a_token_what_it_says_without_those_after_it():
    torch.manual_seed(0)
    network = Transformer(8, num_tokens=7, sequence_length=5, n_outputs=7, head_size=4).double()
    before_the_last = network.layers[:-3]  # of each token
    tokens = torch.randint(7, (3, 5))
    whole = before_the_last(tokens)
    for length in range(1, 5):
        torch.testing.assert_close(before_the_last(tokens[:, :length]), whole[:, :length], rtol=1e-10, atol=1e-12)
    assert not torch.equal(network(tokens), network(tokens.flip(1)))  # it knows the order


def test_a_vit_on_shuffled_patches_differs_by_positions_only():
    torch.manual_seed(0)
    network, x = ViT(8, image_size=8, head_size=4).double(), torch.randn(3, 1, 8, 8, dtype=torch.float64)
    flipped = torch.cat([x[:, :, 4:], x[:, :, :4]], 2)  # the two rows of patches change places
    assert not torch.allclose(network(x), network(flipped))
    with torch.no_grad():
        network.layers[2].table.weight.zero_()
    torch.testing.assert_close(network(x), network(flipped), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("parameterization", ["standard", "ntk"])
def test_a_residual_network_is_its_formula(parameterization):
    torch.manual_seed(0)
    network = ResNet18(4, norm="none", parameterization=parameterization, n_outputs=3).double()
    convolutions = iter([m for m in network.modules() if isinstance(m, nn.Conv2d)])
    shortcuts = {(c, s) for c, s in ((8, 2), (16, 2), (32, 2))}

    def conv(x):
        layer = next(convolutions)
        m, mb = getattr(layer, "weight_multiplier", 1.0), getattr(layer, "bias_multiplier", 1.0)
        return F.conv2d(x, m * layer.weight, mb * layer.bias, layer.stride, layer.padding)

    x = torch.randn(2, 1, 9, 9, dtype=torch.float64)
    z = conv(x).relu()
    for channels, stride in ((4, 1), (4, 1), (8, 2), (8, 1), (16, 2), (16, 1), (32, 2), (32, 1)):
        inner = conv(conv(z).relu())
        z = (inner + (conv(z) if (channels, stride) in shortcuts else z)).relu()
    readout = network.layers[-1]
    torch.testing.assert_close(network(x), readout(z.mean((2, 3))), rtol=1e-10, atol=1e-12)


def test_batch_norms_stay_in_eval_mode_and_do_not_move():
    torch.manual_seed(0)
    network = ResNet18(4, norm="batch").train()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    network(torch.randn(8, 1, 8, 8))
    assert network.training and network.layers[3].training
    assert not any(norm.training for norm in norms)
    assert all(bool((norm.running_mean == 0).all()) for norm in norms)


@pytest.mark.parametrize("parameterization", ["standard", "ntk"])
@pytest.mark.parametrize("options", [{"stride": 2}, {"padding": 1}, {"groups": 2}, {"stride": 2, "padding": 2}])
def test_convolutions_with_options_are_their_formula(parameterization, options):
    torch.manual_seed(0)
    layer, x = make(parameterization).conv2d(4, 6, 3, **options).double(), torch.randn(2, 4, 7, 7).double()
    fan_in = 9 * 4 // options.get("groups", 1)
    m, mb = (1.0, 1.0) if parameterization == "standard" else (fan_in**-0.5, 0.1)
    torch.testing.assert_close(layer(x), F.conv2d(x, m * layer.weight, mb * layer.bias, **options))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: make().conv2d(3, 4, 3, groups=2), "in_channels=3 is not divisible by groups=2"),
        (lambda: make().group_norm(5, 12), "12 channels are not divisible by 5 groups"),
        (lambda: SelfAttention(make(), head_size=5, causal=False), "width=12 is not a multiple of head_size=5"),
        (lambda: ViT(16, image_size=28, patch_size=8), "is not a multiple of patch_size=8"),
        (lambda: ResNet18(8, norm="layer"), "choose one of group, batch, none"),
        (
            lambda: Transformer(16)(torch.zeros(2, 4, dtype=torch.int64)),
            "have 4 tokens, and the network takes at most 3",
        ),
        (lambda: Transformer(16, num_tokens=0), "num_tokens=0 is not possible"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(build, message):
    with pytest.raises(LazyRegimeError, match=message):
        build()


def test_xavier_draws_weights_of_glorots_variance_and_no_biases():
    torch.manual_seed(0)
    network = VGG11(16, in_channels=3, image_size=32, xavier_gain=2.0)
    for name, p in network.named_parameters():
        if name.endswith("bias"):
            assert not p.any()
        else:
            area = p[0, 0].numel()
            variance = 2 * 2.0**2 / (area * (p.shape[0] + p.shape[1]))
            assert p.var().item() == pytest.approx(variance, rel=0.2), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"xavier_gain": 0.0}, "must be positive"), ({"xavier_gain": 1.0, "parameterization": "ntk"}, "standard")],
)
def test_a_gain_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(LazyRegimeError, match=words):
        VGG11(4, in_channels=3, image_size=32, **arguments)
