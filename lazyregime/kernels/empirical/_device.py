"""What a kind of device wants of a tile: rows enough that calls cost little beside what they compute, and memory.

A call of an operation costs some 10 us wherever it runs. A core does a million operations in that time, a GPU half a
billion: so a recording of a GPU has as many rows as fit into a part of its memory. The part is one of all its memory
and not of what is free, so that results do not depend on who else is there.
"""

from dataclasses import dataclass
from typing import final

import torch


@final
@dataclass(frozen=True)
class DeviceModel:
    """Sizes of tiles.

    Attributes:
        recording: Bytes of a recording with convolutions or sequences.
        dense_rows: Rows that a dense layer's backward pass needs, or its weights are read anew for every few of them.
        rows: Rows in a product of factors of samples with many positions.
        tile: Bytes of such a tile, of networks with large factors.
        together: Two sides that take no more bytes than this are recorded as one batch: half as many passes.
        few_rows: So are two sides of no more rows than this, and the backward passes of all outputs are one,
        few_together: up to these bytes,
        batched: and these.
    """

    recording: int
    dense_rows: int
    rows: int
    tile: int
    together: int
    few_rows: int
    few_together: int
    batched: int


# Measured on one core. A recording of two thirds takes 8% more time (CNN-32, 300 x 500), larger ones no less; 256 dense
# rows 6% more than 336 (MLP-1024, 300 x 600), 128 rows 14%; products of 72 rows 5% more than of 144 (CNN-32), of 300 no
# less. One recording of few rows: a ViT of 8 and 12 images takes three quarters of the time, but CNN-32 of 300 and 500
# with one backward pass for all outputs 7% more.
CPU = DeviceModel(
    recording=168 << 20,
    dense_rows=336,
    rows=144,
    tile=192 << 20,
    together=24 << 20,
    few_rows=48,
    few_together=200 << 20,
    batched=176 << 20,
)


def gpu(memory: int) -> DeviceModel:
    """A GPU with so many bytes; reasoned, and not measured yet."""
    part = memory // 8
    return DeviceModel(
        recording=part,
        dense_rows=8184,
        rows=2040,
        tile=part,
        together=part,
        few_rows=2040,
        few_together=part,
        batched=part,
    )


def device_model(device: torch.device) -> DeviceModel:
    """That of a device; of kinds that nobody has looked at, the CPU's."""
    if device.type == "cuda":
        return gpu(torch.cuda.get_device_properties(device).total_memory)
    return CPU
