"""Pickles of arrays, read with nothing but arrays allowed: a pickle is a program, and this one may only build them."""

import io
import pickle
from typing import Any, final

import numpy as np

from lazyregime.data.fetching.image_set import SourceFailed


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the protocols of Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding}, which no array needs")
    return text.encode("latin1")


# numpy's own rebuilders are private and have moved once; `__reduce__` and `__reduce_ex__` name them.
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}


@final
class ArrayUnpickler(pickle.Unpickler):
    """Loads numpy arrays in plain containers, and refuses whatever else a pickle asks for."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The one thing of that name that is allowed."""
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which is no array") from None


def load_arrays(stream: io.BufferedIOBase) -> Any:
    """What the pickle holds; its strings of Python 2 as bytes.

    Raises:
        SourceFailed: If it is damaged, or asks for anything but arrays.
    """
    try:
        return ArrayUnpickler(stream, encoding="bytes").load()
    except Exception as error:  # a damaged pickle fails in any way
        raise SourceFailed(f"its pickle cannot be read ({error})") from error
