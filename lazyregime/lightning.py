"""pytorch-lightning, importable also where torchvision's compiled part does not fit the installed torch.

Lightning imports torchmetrics, which imports torchvision, which fails beside a CPU build of torch unless it is imported
our way first. So this project takes `pl` from here.
"""

# ruff: noqa: E402
from lazyregime.data import import_torchvision

import_torchvision()

import pytorch_lightning as pl

__all__ = ["pl"]
