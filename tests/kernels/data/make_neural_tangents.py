"""Writes neural_tangents.json: kernels of neural-tangents 0.6.5, which test_infinite_reference.py compares with.

It needs an environment of its own (Python 3.11), since neural-tangents stopped at an old jax:

    python3.11 -m venv nt
    nt/bin/pip install jax==0.4.23 jaxlib==0.4.23 "numpy<2" "scipy<1.13" neural-tangents==0.6.5
    nt/bin/python tests/kernels/data/make_neural_tangents.py
"""

import json
import sys
import types
from pathlib import Path

# Its experimental subpackage imports TensorFlow, which is not needed here.
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")

import jax  # noqa: E402
import numpy as np  # noqa: E402
from neural_tangents import stax  # noqa: E402

jax.config.update("jax_enable_x64", True)


def fully_connected(activation, parameterization, depth, width, w_std, b_std):
    layers = []
    for i in range(depth + 1):
        s = (1, 1)
        layers.append(
            stax.Dense(width if i < depth else 1, W_std=w_std, b_std=b_std, parameterization=parameterization, s=s)
        )
        if i < depth:
            layers.append(activation)
    return stax.serial(*layers)[2]


def convolutional(parameterization, depth, width, padding, pooling, w_std, b_std, last_activation):
    layers = []
    for i in range(depth):
        layers.append(
            stax.Conv(width, (3, 3), padding=padding, W_std=w_std, b_std=b_std, parameterization=parameterization)
        )
        if i < depth - 1 or last_activation:
            layers.append(stax.Relu())
    layers.append(stax.GlobalAvgPool() if pooling == "average" else stax.Flatten())
    layers.append(stax.Dense(1, W_std=w_std, b_std=b_std, parameterization=parameterization))
    return stax.serial(*layers)[2]


# Networks as lists, which test_infinite_reference.py reads too.
DENSE, RELU, ERF, NORM, NORM_ALL, GAP = ["dense"], ["relu"], ["erf"], ["layernorm"], ["layernorm all"], ["gap"]
CONV, VALID, STRIDED = ["conv", 3, "same", 1], ["conv", 3, "valid", 1], ["conv", 3, "same", 2]
ONE = ["conv", 1, "valid", 2]
BLOCK, CONV_BLOCK = ["residual", [RELU, DENSE], []], ["residual", [RELU, CONV], []]
NETWORKS = {
    "vectors": [
        [DENSE, BLOCK, RELU, DENSE],
        [DENSE, BLOCK, BLOCK, NORM, ERF, DENSE],
        [DENSE, NORM, RELU, DENSE, NORM, RELU, DENSE],
        [DENSE, ["residual", [NORM, ERF, DENSE, BLOCK, DENSE], []], DENSE],
        [DENSE, ["residual", [RELU, DENSE], [RELU, DENSE]], ERF, DENSE],
    ],
    "images": [
        [CONV, CONV_BLOCK, RELU, DENSE],
        [CONV, RELU, STRIDED, RELU, DENSE],
        [VALID, RELU, ["avgpool", 2, 1], ["conv", 2, "valid", 1], RELU, DENSE],
        [CONV, RELU, ["avgpool", 2, 1], DENSE],
        [["avgpool", 2, 2], CONV, RELU, GAP, DENSE],
        [CONV, NORM, RELU, CONV, NORM, RELU, GAP, DENSE],
        [CONV, NORM_ALL, RELU, VALID, NORM_ALL, RELU, DENSE],
        [CONV, ["residual", [NORM, RELU, STRIDED], [ONE]], CONV_BLOCK, RELU, GAP, DENSE],
        [CONV, RELU, ["avgpool", 2, 2], CONV, NORM_ALL, ERF, GAP, DENSE],
    ],
}


def network(layers, parameterization, w_std, b_std, width, top=True):
    affine = dict(W_std=w_std, b_std=b_std, parameterization=parameterization)
    made = []
    for index, (kind, *options) in enumerate(layers):
        last = top and index == len(layers) - 1
        if kind == "dense":
            made += [stax.Flatten()] * any(layer[0] == "conv" for layer in layers[:index]) if top else []
            made.append(stax.Dense(1 if last else width, s=(1, 1), **affine))
        elif kind == "conv":
            size, padding, stride = options
            made.append(stax.Conv(width, (size, size), (stride, stride), padding.upper(), **affine))
        elif kind == "residual":
            block, shortcut = (network(part, parameterization, w_std, b_std, width, top=False) for part in options)
            made += [stax.FanOut(2), stax.parallel(block, shortcut), stax.FanInSum()]
        else:
            made.append(
                {
                    "relu": stax.Relu,
                    "erf": stax.Erf,
                    "gap": stax.GlobalAvgPool,
                    "avgpool": lambda size=2, stride=2: stax.AvgPool((size,) * 2, (stride,) * 2),
                    "layernorm": lambda: stax.LayerNorm(axis=-1, eps=1e-5),
                    "layernorm all": lambda: stax.LayerNorm(axis=(1, 2, 3), eps=1e-5),
                }[kind](*options)
            )
    return stax.serial(*made) if made else stax.Identity()


def record(spec, kernel_fn, x1, x2):
    result = {"spec": spec}
    for name, b in (("symmetric", None), ("cross", x2)):
        k = kernel_fn(x1, b, ("nngp", "ntk"))
        result[name] = {"nngp": np.asarray(k.nngp).tolist(), "ntk": np.asarray(k.ntk).tolist()}
    return result


def main():
    rng = np.random.default_rng(0)
    x1, x2 = rng.normal(size=(4, 7)), 1.5 * rng.normal(size=(3, 7))
    x1[3] = -0.5 * x1[0]
    images1, images2 = rng.normal(size=(3, 2, 7, 6)), rng.normal(size=(2, 2, 7, 6))
    channels_last = [np.moveaxis(x, 1, -1) for x in (images1, images2)]
    mlps, cnns = [], []
    for name, activation in (("relu", stax.Relu()), ("erf", stax.Erf())):
        for parameterization in ("ntk", "standard"):
            for depth, w_std, b_std in ((1, 1.0, 0.1), (3, 1.4, 0.3), (3, 1.0, None)):
                spec = dict(
                    activation=name,
                    parameterization=parameterization,
                    depth=depth,
                    width=20,
                    weight_variance=w_std**2,
                    bias_variance=None if b_std is None else b_std**2,
                    bias=b_std is not None,
                )
                kernel_fn = fully_connected(activation, parameterization, depth, 20, w_std, b_std)
                mlps.append(record(spec, kernel_fn, x1, x2))
    for padding in ("valid", "same"):
        for pooling in ("none", "average"):
            for parameterization, last_activation, b_std in (
                ("ntk", True, 0.1),
                ("ntk", False, 0.1),
                ("ntk", True, None),
                ("standard", True, 0.1),
            ):
                spec = dict(
                    parameterization=parameterization,
                    depth=2,
                    width=5,
                    padding=padding,
                    pooling=pooling,
                    last_activation=last_activation,
                    weight_variance=1.21,
                    bias_variance=None if b_std is None else b_std**2,
                    bias=b_std is not None,
                )
                kernel_fn = convolutional(parameterization, 2, 5, padding.upper(), pooling, 1.1, b_std, last_activation)
                cnns.append(record(spec, kernel_fn, *channels_last))
    networks = {"vectors": [], "images": []}
    for kind, (one, other) in {"vectors": (x1, x2), "images": channels_last}.items():
        for layers in NETWORKS[kind]:
            for parameterization, w_std, b_std in (("ntk", 1.3, 0.2), ("standard", 1.1, None)):
                # of the images a part, of an odd size, for which strides with padding mean the same in PyTorch
                part = (lambda x: x) if kind == "vectors" else (lambda x: x[:2, :5, :5])
                kernel_fn = network(layers, parameterization, w_std, b_std, 16)[2]
                spec = dict(
                    layers=layers,
                    parameterization=parameterization,
                    width=16,
                    weight_variance=w_std**2,
                    bias_variance=None if b_std is None else b_std**2,
                    bias=b_std is not None,
                )
                networks[kind].append(record(spec, kernel_fn, part(one), part(other)))
    stored = {
        "made_with": "neural-tangents 0.6.5, jax 0.4.23, float64",
        "vectors": {"x1": x1.tolist(), "x2": x2.tolist(), "cases": mlps},
        "images": {"x1": images1.tolist(), "x2": images2.tolist(), "cases": cnns},
        "networks": networks,
    }
    Path(__file__).with_name("neural_tangents.json").write_text(json.dumps(stored))


if __name__ == "__main__":
    main()
