"""Data sets as tensors in memory, from files, a download or a package, each checked byte for byte."""

from lazyregime.data._classification import ClassificationData, first_per_class
from lazyregime.data._mnist import fashion_mnist, mnist
from lazyregime.data._torchvision import import_torchvision

__all__ = ["ClassificationData", "fashion_mnist", "first_per_class", "import_torchvision", "mnist"]
