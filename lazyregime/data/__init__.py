"""Data sets as tensors in memory, from files, a download or a package, each checked byte for byte."""

from lazyregime.data._cifar2 import cifar2
from lazyregime.data._cifar10 import cifar10
from lazyregime.data._cifar10_noise import cifar10_noise
from lazyregime.data._cifar10_pair import cifar10_pair
from lazyregime.data._classification import ClassificationData, as_inputs, first_per_class
from lazyregime.data._fashion_mnist_noise import fashion_mnist_noise
from lazyregime.data._mnist import fashion_mnist, mnist
from lazyregime.data._parity import parity
from lazyregime.data._teacher import teacher_student
from lazyregime.data.arguments import check_arguments
from lazyregime.data.batches import Batches
from lazyregime.data.fetching.torchvision import import_torchvision
from lazyregime.data.modular_addition import modular_addition
from lazyregime.data.own import from_user, shapes_of
from lazyregime.data.sphere import SphereTarget, sphere
from lazyregime.data.spiked import effective_dimension, spiked

__all__ = [
    "Batches",
    "ClassificationData",
    "SphereTarget",
    "as_inputs",
    "check_arguments",
    "cifar2",
    "cifar10",
    "cifar10_noise",
    "cifar10_pair",
    "effective_dimension",
    "fashion_mnist",
    "fashion_mnist_noise",
    "first_per_class",
    "from_user",
    "import_torchvision",
    "mnist",
    "modular_addition",
    "parity",
    "shapes_of",
    "sphere",
    "spiked",
    "teacher_student",
]
