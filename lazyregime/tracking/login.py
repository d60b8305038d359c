"""Whether somebody is logged in to wandb here."""

import netrc
import os
from pathlib import Path
from urllib.parse import urlsplit


def is_logged_in(base_url: str, api_key: object = None) -> bool:
    """Whether there are credentials for wandb, found without asking the network or the user."""
    if api_key or os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    given = os.environ.get("NETRC")
    for path in [Path(given)] if given else [Path("~/.netrc"), Path("~/_netrc")]:
        try:
            hosts = netrc.netrc(path.expanduser()).hosts
        except (OSError, netrc.NetrcParseError):
            continue
        # wandb's own server has gone by several names, and accepts the credentials of each
        if any(host == urlsplit(base_url).netloc or "wandb" in host for host in hosts):
            return True
    return False
