"""What the result of every run says of it first: which it is, and its seeds."""

from lazyregime.app.compose.config import ConfigDict
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.result import Seeds, Which


def which(config: ConfigDict, folder: RunFolder, command: str) -> Which:
    """Its names."""
    return Which(command=command, name=folder.name, id=folder.id, group=config["group"])


def seeds(config: ConfigDict) -> Seeds:
    """Those that the command has."""
    return Seeds(**{key: config[key] for key in ("seed", "init_seed", "data_seed", "batch_seed") if key in config})
