"""Pictures in memory by Pillow, whose size is looked at before they are unpacked; no limit of Pillow's is changed."""

import io

import numpy as np
from jaxtyping import UInt8

from lazyregime.data.fetching.image_set import SourceFailed


def read_rgb(content: bytes, *, height: int, width: int) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """The pixels of a PNG in red, green and blue.

    Raises:
        SourceFailed: If Pillow is not there, or this is no such picture of this size.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise SourceFailed(f"Pillow is not installed ({error}); pip install pillow") from error
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if (picture.size, picture.mode) != ((width, height), "RGB"):
                raise SourceFailed(
                    f"a picture has {picture.size[0]} x {picture.size[1]} pixels of mode {picture.mode}, not "
                    f"{width} x {height} of RGB, and was not unpacked"
                )
            return np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SourceFailed(f"a picture cannot be read ({error})") from error
