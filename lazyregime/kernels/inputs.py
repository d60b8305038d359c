"""The kernel for models of several inputs, and for samples that come from a DataLoader, a batch at a time."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._packed import Layout, Unpacking, pack
from lazyregime.kernels.empirical import empirical_ntk
from lazyregime.kernels.empirical._checks import check_model
from lazyregime.networks import Linearized


def empirical_ntk_of_inputs(
    model: nn.Module,
    x1: Any,
    x2: Any = None,
    *,
    pick: Callable[[Any], Any] | None = None,
    output: Callable[[Any], Tensor] | None = None,
    params: Collection[str] | None = None,
    **options: Any,
) -> Tensor:
    """`empirical_ntk` for models that take several tensors, for DataLoaders, and for some of the outputs.

    Of a DataLoader no more than two batches are held. It is passed once for each batch of the rows, so batches should
    be as large as memory allows, and gives the same batches each time: those of another are refused.

    Args:
        model: Any module, called as model(x), model(**x) for a mapping and model(*x) for a tuple or list of tensors.
        x1: A tensor, mapping, tuple or list of tensors, samples first; or a DataLoader of such batches.
        x2: The same for the columns; x1 if not given.
        pick: What of a DataLoader's batch the model is given. By default the first of a tuple or list, as for
            (inputs, labels), and all of a tensor or mapping.
        output: What of the model's output counts, e.g. lambda y: y.logits[:, -1] or lambda y: y[:, :3]; by default all.
        params: As for `empirical_ntk`.
        **options: The others of `empirical_ntk`.

    Returns:
        As `empirical_ntk`: (n, m), (n, m, k) or (n, m, k, k).

    Raises:
        LazyRegimeError: For what `empirical_ntk` refuses, inputs that are no such tensors, and a loader that shuffles.

    Example:
        >>> class Weighted(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.layer = nn.Linear(2, 1, bias=False)
        ...     def forward(self, x, scale):
        ...         return scale * self.layer(x)
        >>> inputs = {"x": torch.ones(1, 2), "scale": torch.tensor([[3.0]])}
        >>> empirical_ntk_of_inputs(Weighted(), inputs)                 # 9 |x|^2
        tensor([[18.]])
    """
    check_model(model)
    rows = _Side(x1, "x1", pick)
    columns = rows if x2 is None else _Side(x2, "x2", pick)
    network = model.network if type(model) is Linearized else model
    chosen = [""] if type(model) is Linearized and params is None else params
    names = None if chosen is None else [f"model.{name}" if name else "model" for name in chosen]

    def kernel(a: tuple[Tensor, Layout], b: tuple[Tensor, Layout] | None) -> Tensor:
        if b is not None and a[1] != b[1]:
            raise LazyRegimeError(
                f"Samples with {a[1]} cannot be compared with samples with {b[1]}; give the same parts."
            )
        wrapped = Unpacking(network, a[1], output)
        return empirical_ntk(wrapped, a[0], None if b is None else b[0], params=names, **options)

    blocks: list[list[Tensor]] = []
    for i, a in enumerate(rows.batches()):
        row: list[Tensor] = []
        for j, b in enumerate(columns.batches()):
            if columns is rows and j < i:
                row.append(_transposed(blocks[j][i]))
            else:
                row.append(kernel(a, None if columns is rows and i == j else b))
        blocks.append(row)
    return torch.cat([torch.cat(row, 1) for row in blocks])


@final
class _Side:
    """The samples of the rows or of the columns, in batches that can be had again."""

    def __init__(self, source: Any, name: str, pick: Callable[[Any], Any] | None) -> None:
        self._source, self._name, self._pick = source, name, pick or _first
        self._digests: list[str] = []
        random = RandomSampler | SubsetRandomSampler | WeightedRandomSampler
        if isinstance(source, DataLoader) and isinstance(source.sampler, random):
            raise LazyRegimeError(f"{name} is a DataLoader that shuffles, so its samples have no order; shuffle=False.")

    def batches(self) -> Iterator[tuple[Tensor, Layout]]:
        """Packed.

        Raises:
            LazyRegimeError: If there are none, or others than the last time.
        """
        index = -1
        for index, batch in enumerate(self._given()):
            packed, layout = pack(batch, self._name)
            digest = hashlib.sha256(packed.cpu().numpy().tobytes()).hexdigest()
            if index == len(self._digests):
                self._digests.append(digest)
            if self._digests[index] != digest:
                raise LazyRegimeError(
                    f"Batch {index} of {self._name} is another one when it is loaded again; a kernel needs the same "
                    "samples each time, so leave out what is random in the data set."
                )
            yield packed, layout
        if index + 1 != len(self._digests) or index < 0:
            raise LazyRegimeError(
                f"{self._name} gave {index + 1} batches, where it had {len(self._digests)} or needs 1."
            )

    def _given(self) -> Iterator[Any]:
        if not isinstance(self._source, DataLoader):
            yield self._source
            return
        state = torch.get_rng_state()
        batches = iter(self._source)
        torch.set_rng_state(state)  # from which a DataLoader draws a seed for its workers
        yield from map(self._pick, batches)


def _first(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple | list) else batch


def _transposed(block: Tensor) -> Tensor:
    return block.transpose(0, 1) if block.ndim < 4 else block.permute(1, 0, 3, 2)
