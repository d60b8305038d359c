"""From an exception of Hydra's to a sentence: what was given, what is allowed, the nearest valid name."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lazyregime.errors import LazyRegimeError

# Words of other projects, which users type first.
ELSEWHERE = {
    "logger": "tracking (tracking=wandb, tensorboard, csv)",
    "model": "arch, with a regime",
    "network": "arch",
    "net": "arch",
    "dataset": "data",
    "datamodule": "data",
    "epochs": "trainer.max_epochs",
    "max_epochs": "trainer.max_epochs",
    "learning_rate": "lr",
    "callbacks": "a part of trainer and ntk",
    "hparams_search": "a sweep: -m lr=0.001,0.01",
    "ckpt_path": "the command itself, given again",
    "resume": "the command itself, given again",
    "force": "rerun=true",
    "gpus": "device=cuda, with trainer.devices where there are several",
    "paths": "runs_dir and data_dir",
}
_FROM_HYDRA = re.compile(r"\$\{hydra:[^}]*\}|HydraConfig was not set")


def sentence(error: Exception, known: Mapping[str, Any], command: str = "train") -> str:
    """Say what is wrong with an override.

    Args:
        error: What the composition raised.
        known: A configuration that composes, whose keys are the valid ones.
        command: The command whose help to name.
    """
    if match := _FROM_HYDRA.search(str(error)):
        return (
            f"The configuration refers to {match[0] if match[0].startswith('$') else '${hydra:..}'}, which is known in "
            "Hydra's own jobs only; write another key instead, such as name=w${width}-s${seed}."
        )
    see_all = f"python -m lazyregime.{command} --help lists the groups, --cfg job every key"
    text, cause = str(error), str(error.__cause__ or "")
    if match := re.search(r"Could not find '(.+)/([^/']+)'", text):
        return _unknown_option(match[1], match[2], text)
    if match := re.search(r"Could not override '(.+)'", text):
        return _unknown_key(match[1], known)
    if match := re.search(r"Error merging override (.+)", text):
        return _bad_value(match[1], cause)
    if match := re.search(r"[Mm]issing mandatory value: ?(\w+)\._target_|full_key: (\w+)\._target_", text):
        group = match[1] or match[2]
        return f"{group}=own needs {group}._target_=MODULE.NAME, a class or function of your own, such as mine.thing."
    if match := re.search(r"Multiple values for (\S+)\. To override", text):
        return f"{match[1]} is chosen twice; write {match[1]}=NAME, without a +."
    if match := re.search(r"Ambiguous value for argument '(.+)'", text):
        return f"{match[1]} lists several values; sweep over them with -m, or give one list as key=[value,value]."
    if type(error).__name__ == "OverrideParseException":
        given = getattr(error, "override", "an override")
        if not str(given).isascii():
            key, _, value = str(given).partition("=")
            return f"{given!r} cannot be read, for its letters; quotes protect them: \"{key}='{value}'\"."
        return f"{given!r} cannot be read; overrides look like key=value, and quotes protect = and , and {{."
    if match := re.search(r"Environment variable '(.+?)' not found", text + cause):
        return f"The configuration refers to the environment variable {match[1]}, which is not set; set it."
    if match := re.search(r"nterpolation key '(.+)' not found", text + cause):
        group, _, key = match[1].partition(".")
        if key and group in known:
            return f"What is chosen needs {group}.{key}, which this {group} does not have; choose another {group}."
        return f"The configuration refers to {match[1]!r}, which is not there; {see_all}."
    return f"{' '.join((text + ' ' + cause).split())}; {see_all}."


def unknown_name(what: str, name: str, valid: Iterable[str], more: str = "") -> str:
    """`what` does not exist, with the nearest valid name or all of them."""
    valid = sorted(valid)
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}? The" if near else "the"
    return f"{what}; {advice} valid ones are {', '.join(valid)}{more}."


def _unknown_option(group: str, option: str, text: str) -> str:
    options = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
    return unknown_name(f"{group}={option}: there is no {group} of that name", option, options)


def _unknown_key(key: str, known: Mapping[str, Any]) -> str:
    *parents, last = key.split(".")
    node: Any = known
    for depth, part in enumerate(parents):
        if not isinstance(node, Mapping) or part not in node:
            return _unknown_key(".".join(parents[: depth + 1]), known)
        node = node[part]
    valid = [str(k) for k in node if not str(k).startswith("_")] if isinstance(node, Mapping) else []
    where = f" in {'.'.join(parents)}" if parents else ""
    if not parents and last in ELSEWHERE:
        return f"There is no key {last!r}; what other projects call so is {ELSEWHERE[last]} here."
    if not parents:  # a key that exists deeper down is the likeliest mistake of all
        deeper = [f"{group}.{last}" for group, value in known.items() if isinstance(value, Mapping) and last in value]
        if deeper:
            return f"There is no key {key!r} at the top; did you mean {' or '.join(deeper)}?"
    return unknown_name(f"There is no key {last!r}{where}", last, valid)


def _bad_value(override: str, cause: str) -> str:
    reason = cause.splitlines()[0] if cause else "the value does not fit"
    if match := re.search(r"Invalid value '(.*)', expected one of \[(.*)\]", cause):
        return unknown_name(f"{override}: {match[1]!r} is no choice here", match[1], match[2].split(", "))
    if match := re.search(r"Value '(.*)' of type '.*' could not be converted to (\w+)", cause):
        kind = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}.get(match[2], match[2])
        return f"{override}: {match[1]!r} is not {kind}; give {kind}."
    if "is not Optional" in cause:
        return f"{override}: this key cannot be null; give a value."
    if "is not a ListConfig" in cause:
        key, _, value = override.partition("=")
        return f"{override}: this key takes a list; give {key}=[{value}]."
    if match := re.search(r"Value '(.*)' is not a valid bool", cause):
        return f"{override}: {match[1]!r} is not true or false; give one of them."
    return f"{override}: {reason.rstrip('.')}."


class ConfigError(LazyRegimeError):
    """A configuration that cannot be: the doors print its sentence and exit with 2."""
