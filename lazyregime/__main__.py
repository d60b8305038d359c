"""lazyregime, or python -m lazyregime: lists the commands; `lazyregime NAME ...` is `python -m lazyregime.NAME ...`.

A command is a module beside this one whose docstring begins with how it is called.
"""

import ast
import difflib
import pkgutil
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import lazyregime

PAGE = """\
{what}

{commands}

usage:
  lazyregime COMMAND ...      the same as `python -m lazyregime.COMMAND ...`
  lazyregime COMMAND --help   what can be chosen
  lazyregime --version

start here:
  lazyregime train            an MLP on MNIST, its kernel before and after training: a minute or two
  lazyregime report runs      tables, figures and one HTML page of all that was run
  lazyregime dashboard        a page that follows the runs while they are computed

From Python: lazyregime.run(regime="lazy", width=256), lazyregime.load_runs("runs"),
lazyregime.sweep(laziness=[1, 1000], regime="scaled")."""


def main(arguments: Sequence[str] | None = None) -> None:
    """List the commands, say the version, or be one of the commands; exits with 2 for a command that there is not."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    told = commands()
    if not given or given[0] in ("-h", "--help", "help"):
        print(page(told))
    elif given[0] in ("--version", "-V"):
        print(f"lazyregime {lazyregime.__version__}")
    elif given[0] in told:
        sys.argv[1:] = given[1:]
        # as python -m does, so that processes started from there (DDP) are started by that same name
        runpy.run_module(f"lazyregime.{given[0]}", run_name="__main__", alter_sys=True)
    else:
        close = difflib.get_close_matches(given[0], told, n=1)
        meant = f"did you mean `lazyregime {close[0]}`?" if close else f"there are {', '.join(told)}."
        print(f"error: lazyregime has no command {given[0]!r}: {meant}", file=sys.stderr)
        sys.exit(2)


def commands() -> dict[str, str]:
    """Each command with what it does, in the words of its module's docstring; nothing is imported for it."""
    found: dict[str, str] = {}
    here = Path(lazyregime.__path__[0])
    for module in pkgutil.iter_modules(lazyregime.__path__):
        path = here / module.name / "__main__.py" if module.ispkg else here / f"{module.name}.py"
        told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else None
        call, _, what = (told or "").partition("\n")[0].partition(": ")
        if call.startswith(f"python -m lazyregime.{module.name}"):
            found[module.name] = what.rstrip(".")
    return found


def page(told: dict[str, str]) -> str:
    """The help page."""
    widest = max(map(len, told))
    lines = "\n".join(f"  {name:<{widest}}   {what}" for name, what in told.items())
    return PAGE.format(what=(lazyregime.__doc__ or "").partition("\n")[0], commands=lines)


if __name__ == "__main__":
    main()
