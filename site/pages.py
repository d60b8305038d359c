"""Pages of the site that are written nowhere: README and its like, the API from `__all__`, the settings from conf/.

Run by mkdocs-gen-files at every build.
"""

import ast
import re
from pathlib import Path

import mkdocs_gen_files
from settings import GROUPS, page_of_command, page_of_group

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "": "what a notebook needs: a run, a sweep, a table of runs, a trained network, a verdict",
    "kernels": "tangent kernels, regression with them, and what is measured of them",
    "networks": "architectures and their parameterizations",
    "data": "data sets",
    "regimes": "what is trained, its losses and optimizers",
    "measure": "the probe, metrics, the verdict",
    "machines": "kernel machines with scikit-learn's conventions",
    "gradient_flow": "exact flows of a network",
    "two_layer": "two-layer dynamics and their limits",
    "solve": "the ridge solver",
    "reports": "runs as a table, figures",
}
STYLE = """\
.md-typeset table:not([class]) { font-size: 0.7rem; }
.md-typeset__table { display: block; overflow-x: auto; }
.md-typeset pre > code { font-size: 0.62rem; line-height: 1.35; }
.md-typeset h2.doc-heading { font-size: 1rem; overflow-wrap: anywhere; }
.jp-OutputArea pre { white-space: pre !important; overflow-x: auto; }
.md-grid { max-width: 72rem; }
"""


def write(path: str, text: str) -> None:
    """Make a page of the site."""
    with mkdocs_gen_files.open(path, "w") as file:
        file.write(text)


def repository_page(name: str) -> None:
    """README.md and its like, whose links are those of the repository."""
    text = (ROOT / name).read_text().replace("](docs/", "](")
    text = re.sub(r"\]\((LICENSE|CITATION\.cff)\)", r"](\1.txt)", text)
    write("index.md" if name == "README.md" else name, text)


def public_names(package: str) -> list[str]:
    """`__all__`, read and not run."""
    tree = ast.parse((ROOT / "lazyregime" / package / "__init__.py").read_text())
    lists = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    return sorted(lists[0], key=str.lower)


for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
    repository_page(name)
for name in ("LICENSE", "CITATION.cff"):
    write(f"{name}.txt", (ROOT / name).read_text())
write("site.css", STYLE)
for package, what in PACKAGES.items():
    module = f"lazyregime.{package}".rstrip(".")
    told = "\n\n".join(f"::: {module}.{name}" for name in public_names(package))
    write(f"api/{package or 'lazyregime'}.md", f"# {module}\n\n{what[0].upper()}{what[1:]}.\n\n{told}\n")
for command in ("train", "fit", "flow"):
    write(f"settings/{command}.md", page_of_command(command))
for group in GROUPS:
    write(f"settings/{group.replace('/', '_')}.md", page_of_group(group))
