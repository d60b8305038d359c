"""SHA-256 of what tensors are: their names, types, shapes and values, however a file of them was packed."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def fingerprint_of_tensors(tensors: Mapping[str, Tensor]) -> str:
    """In 16 hexadecimal digits; the order of the names counts."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
