"""The reference of all settings: conf/ gives names, defaults and what they mean, the schemas give types."""

import enum
import re
import sys
import types
import typing
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CONF = ROOT / "conf"
GROUPS = sorted(
    str(folder.relative_to(CONF))
    for folder in [*CONF.iterdir(), CONF / "hydra/launcher"]
    if folder.is_dir() and folder.name not in ("hydra", "local", "schemas") and list(folder.glob("*.yaml"))
)
SETTING = re.compile(r'^"?([\w.]+)"?: *(.*?)(?:  +# (.*))?$')


def page_of_command(command: str) -> str:
    """The keys at the top of a command, and the groups it chooses from."""
    from lazyregime.app.compose.schema import TrainConfig
    from lazyregime.app.fit.schema import FitConfig
    from lazyregime.app.flow.schema import FlowConfig

    schema = {"train": TrainConfig, "fit": FitConfig, "flow": FlowConfig}[command]
    types_ = typing.get_type_hints(schema)
    groups, rows = [], []
    for group, chosen, meaning in re.findall(
        r"^  - (?!override|optional|_self_)([\w/]+): (\w+)(?: +# (.+))?$",
        (CONF / f"{command}.yaml").read_text(),
        re.MULTILINE,
    ):
        groups.append(f"| [`{group}`]({group}.md) | `{chosen}` | {meaning} |")
    for file in (f"{command}.yaml", "common.yaml"):
        for key, default, meaning in settings_of((CONF / file).read_text()):
            if key in types_ and not is_dataclass(types_[key]):
                rows.append(f"| `{key}` | {word(types_[key])} | `{default}` | {meaning} |")
    return "\n".join(
        [
            f"# python -m lazyregime.{command}",
            "",
            f"Every setting of `python -m lazyregime.{command}`, made from `conf/` and the schemas. "
            f"`python -m lazyregime.{command} --cfg job` prints them with their values.",
            "",
            "## Groups",
            "",
            "| group | default | what |",
            "|---|---|---|",
            *groups,
            "",
            "## Keys at the top",
            "",
            "| key | type | default | what |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def page_of_group(group: str) -> str:
    """The options of a group, each with what its file says."""
    from lazyregime.app.compose.options import first_sentence

    lines = [f"# {group}=", ""]
    for file in sorted((CONF / group).glob("*.yaml")):
        body = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("# @package"))
        lines += [f"## {group}={file.stem}", "", f"{first_sentence(file)}.".replace("<", "&lt;"), ""]
        lines += ["```yaml", body, "```", ""]
    return "\n".join(lines)


def settings_of(text: str) -> list[tuple[str, str, str]]:
    """Key, default and comment of the lines at the top of a yaml file."""
    body = re.sub(r"^defaults:\n(?:  .*\n)*", "", text, flags=re.MULTILINE)
    found = [match.groups(default="") for match in map(SETTING.match, body.splitlines()) if match]
    return [
        (key, default.replace("|", "\\|"), meaning.replace("|", "\\|").replace("<", "&lt;"))
        for key, default, meaning in found
    ]


def word(annotation: Any) -> str:
    """A type as a reader says it."""
    plain = {int: "whole number", float: "number", bool: "true or false", str: "word", type(None): "null", Any: "any"}
    if annotation in plain:
        return plain[annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return " or ".join(word(part) for part in typing.get_args(annotation))
    if typing.get_origin(annotation) is list:
        return f"list of {word(typing.get_args(annotation)[0])}s".replace("true or falses", "true or false")
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return str(getattr(annotation, "__name__", annotation))
