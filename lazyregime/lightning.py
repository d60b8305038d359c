"""pytorch-lightning, importable also where torchvision's compiled part does not fit the installed torch.

Lightning imports torchmetrics, which imports torchvision, which fails beside a CPU build of torch unless it is imported
our way first. So this project takes `pl` from here.
"""

# ruff: noqa: E402
import logging
import warnings

from lazyregime.data import import_torchvision

import_torchvision()

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

# What Lightning says of devices, tips and limits is no news to our users; its warnings stay.
for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero", "lightning_fabric"):
    logging.getLogger(name).setLevel(logging.WARNING)
# torch's own deprecation, reached through Lightning
warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
# A login node has srun, and a run there does not want it.
warnings.filterwarnings("ignore", message="The `srun` command is available")
# What is logged is the same in every process: the sums behind it have been added up.
warnings.filterwarnings("ignore", message="It is recommended to use `self.log")
# Rows are written once an epoch, however few its batches.
warnings.filterwarnings("ignore", message="The number of training batches")
# Batch norm in evaluation mode is an affine map of each sample, which is what a kernel is of (arch.norm=batch).
warnings.filterwarnings("ignore", message=r"Found \d+ module\(s\) in eval mode at the start of training")

__all__ = ["Checkpoint", "pl"]
