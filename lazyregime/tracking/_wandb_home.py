"""Where wandb keeps what is of no run: in the user's home; beside the runs where there is no home that can be written.

Without such a place wandb loses tables and figures, which it stages there, and its service writes its log on the
terminal.
"""

import os
import tempfile
from pathlib import Path

_PLACES = {  # wandb's variable, the desktop's, and what is below HOME without either
    "WANDB_CACHE_DIR": ("XDG_CACHE_HOME", ".cache"),
    "WANDB_DATA_DIR": ("XDG_DATA_HOME", ".local/share"),
    "WANDB_CONFIG_DIR": ("XDG_CONFIG_HOME", ".config"),
}


def settle_home(instead: Path) -> None:
    """Set the variables of wandb for which there is no place, for this process and wandb's service.

    Args:
        instead: A folder that can be written.
    """
    for variable, (desktop, below) in _PLACES.items():
        given = os.environ.get(desktop) or (os.environ.get("HOME") and Path(os.environ["HOME"], below))
        if variable not in os.environ and not (given and _can_be_written(Path(given))):
            os.environ[variable] = str(instead)


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
