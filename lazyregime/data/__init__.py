"""Data sets as tensors in memory, from files, a download or a package, each checked byte for byte."""

from lazyregime.data._cifar10 import cifar10
from lazyregime.data._classification import ClassificationData, first_per_class
from lazyregime.data._mnist import fashion_mnist, mnist
from lazyregime.data._parity import parity
from lazyregime.data._teacher import teacher_student
from lazyregime.data._torchvision import import_torchvision
from lazyregime.data.batches import Batches

__all__ = [
    "Batches",
    "ClassificationData",
    "cifar10",
    "fashion_mnist",
    "first_per_class",
    "import_torchvision",
    "mnist",
    "parity",
    "teacher_student",
]
