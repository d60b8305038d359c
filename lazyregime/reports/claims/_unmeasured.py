"""Published statements that a reader expects in the ledger, and why it has no verdict on them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unmeasured:
    """A statement without a claim.

    Args:
        paper: The key that its paper has in the ids of claims.
        statement: What is stated.
        reason: Why it is not measured.
    """

    paper: str
    statement: str
    reason: str


WEIGHTS = "a run keeps outputs and kernels, and of the weights only how far they moved"
NO_STUDY = "what it needs is there ({}), and no study of it has been run"
NO_NUMBER = "a figure without a number or a law to hold it against"
TOO_LARGE = "needs a size that has not been run"

UNMEASURED = (
    Unmeasured("cob19", "The weights stay within O(alpha^-2) of the tangent model's (theorem 2.2).", WEIGHTS),
    Unmeasured("cob19", "The bounds of theorem 2.3 with their constants.",
               "the Lipschitz constants of the network and of its derivative about w0 are not computed"),
    Unmeasured("cob19", "Over-parameterized, the bounds hold uniformly in time (theorem 2.4).",
               "the flows of the study end at time 30, and not at their limits"),
    Unmeasured("cob19", "Under-parameterized, the flow stays near a local minimum's (theorem 2.5).",
               "no preset has fewer parameters than points"),
    Unmeasured("cob19", "Training is lazy where the criterion kappa is small.",
               "kappa needs the second derivative of the network, which is not computed"),
    Unmeasured("cob19", "Trajectories of neurons under small and large scale (figure 1).", NO_NUMBER),
    Unmeasured("cob19", "The test loss over m has its minimum where it has (figure 2b).", NO_NUMBER),
    Unmeasured("cob19", "The population risk of SGD over tau (figure 3c).",
               "the teacher-student preset has a fixed sample"),
    Unmeasured("cob19", "ResNet-18 on CIFAR-10 over alpha, and the linearized ResNet (figure 3, table 1).",
               NO_STUDY.format("arch=resnet18, data=cifar10")),
    Unmeasured("cob19", "The tangent spectrum of images decays, that of noise does not.", NO_NUMBER),
    Unmeasured("gsjw20", "The exponent of the feature phase grows with the depth.",
               "the paper has no law for it; multirun_scripts/laziness_causes.py depth measures it (docs/gsjw20.md)"),
    Unmeasured("gsjw20", "At small h the error has a peak near the crossover.",
               f"{TOO_LARGE}: widths at which the points are only just fitted"),
    Unmeasured("gsjw20", "Regression with the kernel at the end is as good as the network.",
               "a run keeps the kernel of a set apart, and not that of all its training points"),
    Unmeasured("gsjw20", "Preactivations move at a speed h^-1/2 in the lazy phase.", "preactivations are not kept"),
    Unmeasured("gmmm19", "No rotation-invariant kernel does better than its degree (the lower bound).",
               "a statement on all kernels; a run has one"),
    Unmeasured("gmmm19", "Purely quadratic and purely cubic targets (figures 1 and 2).",
               NO_STUDY.format("data.target_powers")),
    Unmeasured("gmmm19", "The best ridge tends to zero.", "the smallest ridge of a grid is not zero"),
    Unmeasured("gmmm20", "The same on CIFAR-2, and with low-frequency noise.",
               NO_STUDY.format("data=cifar2, data.band=low")),
    Unmeasured("gmmm20", "A CNN keeps its accuracy under noise where its tangent kernel loses it (CIFAR-10).",
               NO_STUDY.format("data=cifar10_noise, machine=cntk")),
    Unmeasured("gmmm20", "Degree l is learned from n = d_eff^l samples, for several l.",
               "the study has one degree above n, and one below"),
    Unmeasured("adh19", "CNTK-GAP by depth, and what pooling gains (8 to 11 points).",
               f"{TOO_LARGE}: all pairs of positions of all pairs of images"),
    Unmeasured("adh19", "2000 random features of a convolutional network are below its exact kernel.",
               "measured of dense networks alone (exact_above_finite)"),
    Unmeasured("adh19", "A wide network that is trained to its end is the kernel's predictor (theorem 3.2).",
               f"{TOO_LARGE}: a width far above the square of the number of points"),
    Unmeasured("mmn18", "The risk of SGD follows the PDE's over time, for anisotropic Gaussians too.",
               "the radial PDE is that of isotropic ones, and keeps no risk over time"),
    Unmeasured("mmn18", "There is an activation for which SGD fails.", "it is not among the activations"),
    Unmeasured("mmn18", "Noisy SGD converges to the minimum of the free energy.",
               "a claim on the limit of long times; lazyregime.two_layer has the free energy and its JKO step"),
    Unmeasured("rv18b", "Fluctuations about the mean field obey a central limit theorem, and the loss is O(1/n).",
               "of the theorem only the scale N^-1/2 is measured (mmm19.mean_field.fluctuation)"),
)  # fmt: skip
