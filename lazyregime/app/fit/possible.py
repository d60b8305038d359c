"""What a fit needs and may not have is found before it starts: features, images, held-out samples, eigenvalues."""

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import is_own
from lazyregime.app.compose.own_data import own_data
from lazyregime.kernels import AbstractKernel, InfiniteCNN
from lazyregime.machines import AbstractFeatures
from lazyregime.solve import EIGEN_SIZE

ALL = 60_000  # about what an image set has, where n_train=null takes them all


def check_possible(config: ConfigDict, kernel: AbstractKernel) -> None:
    """Refuse what this machine cannot do on these data.

    Raises:
        ConfigError: With what to set instead.
    """
    machine, data = config["machine"]["name"], config["data"]
    if config["solver"] == "primal" and not isinstance(kernel, AbstractFeatures):
        raise ConfigError(f"solver=primal needs features, and machine={machine} has none; use solver=dual or cg.")
    side, channels = data.get("image_size"), data.get("in_channels")
    if isinstance(kernel, InfiniteCNN) and data.get("in_features") != (side or 0) ** 2 * (channels or 0):
        raise ConfigError(f"machine={machine} is of images, and data={data['name']} are vectors; choose other data.")
    if not config["population"]:
        _check_choice(config, kernel)


def _check_choice(config: ConfigDict, kernel: AbstractKernel) -> None:
    """Among several ridges one chooses on held-out samples, or by leave-one-out, for which a solve must be small."""
    data, choose = config["data"], config["choose"]
    has_validation, several = bool(data.get("n_validation")), len(config["ridges"]) > 1
    advice = "data.n_validation=1000, for example, " if "n_validation" in data else ""
    if choose == "validation" and not has_validation:
        instead = f"set {advice}or choose=test" if advice else f"data={data['name']} has none; use choose=leave_one_out"
        raise ConfigError(f"choose=validation needs held-out samples; {instead} (test selects on the test set).")
    leaves_one_out = choose == "leave_one_out" or (choose == "auto" and several and not has_validation)
    if leaves_one_out and (config["solver"] == "cg" or _smaller_side(config, kernel) > EIGEN_SIZE):
        raise ConfigError(
            "Which ridge is best would be told by leave-one-out, which needs all eigenvalues: of at most "
            f"{EIGEN_SIZE} samples or features, and not by solver=cg. Set {advice}one ridge (ridges=[1e-3]), a smaller "
            "data.n_train, or choose=test (which selects on the test set)."
        )


def _smaller_side(config: ConfigDict, kernel: AbstractKernel) -> int:
    """Rows of the matrix that a direct solve is of, as far as they are known: of samples or of features."""
    data = config["data"]
    samples = len(own_data(data).train_labels) if is_own(data) else data.get("n_train") or ALL
    if not isinstance(kernel, AbstractFeatures) or not data.get("in_features"):
        return samples
    features = kernel.count(data["in_features"])
    return {"primal": features, "dual": samples}.get(config["solver"], min(samples, features))
