"""Data sets as tensors in memory, from files, a download or a package, each checked byte for byte."""

from lazyregime.data._cifar10 import cifar10
from lazyregime.data._classification import ClassificationData, as_inputs, first_per_class
from lazyregime.data._mnist import fashion_mnist, mnist
from lazyregime.data._parity import parity
from lazyregime.data._teacher import teacher_student
from lazyregime.data.batches import Batches
from lazyregime.data.fetching.torchvision import import_torchvision
from lazyregime.data.modular_addition import modular_addition
from lazyregime.data.spectral_noise import fashion_mnist_noise
from lazyregime.data.sphere import SphereTarget, sphere
from lazyregime.data.spiked import effective_dimension, spiked

__all__ = [
    "Batches",
    "ClassificationData",
    "SphereTarget",
    "as_inputs",
    "cifar10",
    "effective_dimension",
    "fashion_mnist",
    "fashion_mnist_noise",
    "first_per_class",
    "import_torchvision",
    "mnist",
    "modular_addition",
    "parity",
    "sphere",
    "spiked",
    "teacher_student",
]
