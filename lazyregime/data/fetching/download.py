"""Fetch one address into a file, for a proxy and certificates as the environment sets them.

Run by its path, in a process of its own that can be ended: it imports nothing of the package.
"""

import http.client
import os
import shutil
import ssl
import sys
import urllib.request

_SECONDS = 10.0  # without an answer


def main() -> None:
    """Fetch the address into the path, both of the command line; one line on stderr says what went wrong."""
    address, path = sys.argv[1:]
    if not address.startswith(("https://", "http://")):
        sys.exit(f"{address} is no address of a registry")
    try:
        context = ssl.create_default_context()
        if extra := os.environ.get("NODE_EXTRA_CA_CERTS"):  # npm's own setting for a site's certificates
            context.load_verify_locations(extra)
        with urllib.request.urlopen(address, timeout=_SECONDS, context=context) as answer, open(path, "xb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.exit(f"{address}: {error}")


if __name__ == "__main__":
    main()
