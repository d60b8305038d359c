"""result.json read back: the typed result, or what is wrong with the file."""

import json
from pathlib import Path

from lazyregime.runs.checksums import checksum_of_object, is_of_a_run
from lazyregime.runs.kinds import result_of
from lazyregime.runs.result import Result


def stored_result(path: Path) -> tuple[Result | None, str]:
    """The result in a file, checked by its own checksum; else None and why."""
    if not path.is_file():
        return None, "it is no file" if path.exists() else "it is not there"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            return None, "it holds no object"
        checksum = content.pop("sha256", None)
        if checksum is None and "schema" in content:
            return None, "its own checksum is missing"
        if checksum is not None and checksum != checksum_of_object(content):
            return None, "its content is not what was written"
        result = result_of(content)
        if strange := [name for name in result.checksums if not is_of_a_run(name)]:
            return None, f"it has a checksum of {strange[0]!r}, which is no file of a run"
        return result, ""
    except (OSError, ValueError, RecursionError) as error:  # a LazyRegimeError is a ValueError
        return None, str(error)
