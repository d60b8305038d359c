"""The command line for notebooks: `run("regime=lazy", "width=256")` returns the result."""

from typing import Any

from lazyregime.app.console import Console
from lazyregime.app.execute import execute
from lazyregime.app.plan import plan_jobs


def run(*overrides: str, quiet: bool = False) -> dict[str, Any]:
    """Do what `python -m lazyregime.train OVERRIDES` does and return the scalars of result.json.

    Args:
        overrides: As on the command line, `"regime=lazy", "width=256"`.
        quiet: Print nothing.

    Raises:
        LazyRegimeError: If the configuration cannot be, or the run fails.
    """
    (job,) = plan_jobs([list(overrides)])
    return execute(job.config, Console(quiet=quiet))
