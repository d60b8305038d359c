"""The wandb workspace of a project as code: regime by width, the turn of the kernel, the alpha sweep, the ledger.

What its panels show is a table here, and wandb's own objects are built from it. A panel shows an empty square where a
name is not what runs log, so the names are held against those of a run (`unknown_keys`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lazyregime.app.dashboard.where import Project
from lazyregime.errors import LazyRegimeError
from lazyregime.reports.claims import all_claims
from lazyregime.tracking.login import is_logged_in

NAME = "lazyregime"
LEDGER = (
    "Published statements that these studies bear on. What the runs of a folder say of them: "
    "`python -m lazyregime.report RUNS --claims`."
)


@dataclass(frozen=True)
class Panel:
    """One square; `y` are names of history or summary, `x` of history (curve) or config:NAME, summary:NAME (points)."""

    kind: Literal["curve", "points", "bars", "pictures", "table"]
    title: str
    y: tuple[str, ...]
    x: str = ""
    by: str | None = None  # a key of the configuration: one curve or bar for each of its values
    log_x: bool = False
    log_y: bool = False


SECTIONS: Mapping[str, Sequence[Panel]] = {
    "Regime by width": (
        Panel("points", "Test accuracy by width", ("test/accuracy",), "config:width", log_x=True),
        Panel("points", "Test loss by width", ("test/loss",), "config:width", log_x=True, log_y=True),
        Panel("bars", "Test accuracy by regime", ("test/accuracy",), by="regime"),
        Panel("curve", "Test accuracy", ("test/accuracy",), "epoch", by="regime"),
        Panel("curve", "Test loss", ("test/loss",), "epoch", by="regime", log_y=True),
        Panel("curve", "Training loss", ("train/loss",), "epoch", by="regime", log_y=True),
    ),
    "Kernel turn": (
        Panel("curve", "Kernel turned by 1 - cos", ("kernel/distance",), "epoch", by="regime"),
        Panel("curve", "Alignment with the labels", ("kernel/alignment",), "epoch", by="regime"),
        Panel("curve", "Effective rank", ("kernel/effective_rank",), "epoch", by="regime"),
        Panel("points", "Kernel turn by width", ("kernel/distance",), "config:width", log_x=True),
        Panel("points", "Accuracy by kernel turn", ("test/accuracy",), "summary:kernel/distance"),
        Panel("pictures", "Kernel at initialization and after training", ("kernel/gram_init", "kernel/gram_final")),
    ),
    "Alpha sweep": (
        Panel("points", "Test accuracy by laziness", ("test/accuracy",), "summary:laziness", log_x=True),
        Panel("points", "Test loss by laziness", ("test/loss",), "summary:laziness", log_x=True, log_y=True),
        Panel("points", "Kernel turn by laziness", ("kernel/distance",), "summary:laziness", log_x=True),
        Panel("points", "Weights moved by alpha", ("parameter_displacement",), "summary:alpha", log_x=True, log_y=True),
    ),
    "Ledger": (Panel("table", "Results of the chosen runs", ("results",)),),
}


def make_workspace(project: Project) -> str:
    """Save the workspace in wandb; where it is.

    Raises:
        LazyRegimeError: If the package is missing, nobody is logged in, or wandb refuses.
    """
    workspace = build_workspace(project)
    import wandb

    settings = wandb.setup(settings=wandb.Settings(show_info=False, quiet=True)).settings
    if not is_logged_in(settings.base_url, settings.api_key):
        raise LazyRegimeError(
            f"{project} is no folder here, and so a project of wandb, for which nobody is logged in: give `wandb "
            "login` and the same command again; or --json, which prints the workspace; or a folder of runs, which "
            "needs no account."
        )
    try:
        return str(workspace.save().url)
    except Exception as error:  # of its client, of the network, of the server: each raises its own
        told = " ".join(str(error).split())[:300]
        raise LazyRegimeError(f"wandb did not save the workspace of {project}: {told or type(error)}.") from error


def build_workspace(project: Project) -> Any:
    """The workspace, as an object of wandb-workspaces.

    Raises:
        LazyRegimeError: If that package is missing.
    """
    try:
        from wandb_workspaces import workspaces
    except ImportError as error:
        raise LazyRegimeError(
            "A workspace in wandb needs the package wandb-workspaces, which is not installed; give "
            "`pip install 'lazyregime[dashboards]'`, or a folder of runs, for which nothing is needed."
        ) from error
    sections = [
        workspaces.Section(name=name, is_open=True, panels=[*(_built(panel) for panel in panels), *_words(name)])
        for name, panels in SECTIONS.items()
    ]
    return workspaces.Workspace(entity=project.entity, project=project.name, name=NAME, sections=sections)


def as_json(workspace: Any) -> dict[str, Any]:
    """What would be sent to wandb."""
    return workspace._to_model().model_dump(mode="json", by_alias=True)


def unknown_keys(told: Mapping[str, Any], logged: Iterable[str]) -> dict[str, set[str]]:
    """The panels of a workspace, as JSON, that name what no run logs: their titles, and the names.

    Args:
        told: Of `as_json`.
        logged: Names in the history and summary of runs, and `config:NAME` for those in their configuration.
    """
    known = set(logged)
    found: dict[str, set[str]] = {}
    for section in told["spec"]["section"]["panelBankConfig"]["sections"]:
        for panel in section["panels"]:
            if wrong := set(keys_of(panel)) - known:
                config = panel["config"]
                found[str(config.get("chartTitle") or config.get("title") or panel["viewType"])] = wrong
    return found


def keys_of(panel: Mapping[str, Any]) -> Iterator[str]:
    """The names in one panel's JSON, wherever they stand in it."""
    config = panel["config"]
    for key in ("metrics", "mediaKeys"):
        yield from config.get(key) or ()
    for key in ("xAxis", "yAxis", "zAxis"):
        if config.get(key):
            yield _plain(config[key])
    if config.get("groupBy"):
        yield _plain(f"config:{config['groupBy'].removeprefix('config:')}")
    yield from _table_names(config.get("panel2Config") or {})


def _plain(key: str) -> str:
    """`config:width` for `config:width.value`, `test/loss` for `summary:test/loss`."""
    kind, _, name = key.rpartition(":")
    return f"config:{name.removesuffix('.value')}" if kind == "config" else name


def _table_names(node: Any) -> Iterator[str]:
    """The keys that a query picks from the summaries of runs."""
    if isinstance(node, Mapping):
        inputs = node.get("inputs") or {}
        if node.get("name") == "pick" and "key" in inputs:
            yield str(inputs["key"].get("val"))
        for value in node.values():
            yield from _table_names(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _table_names(value)


def _built(panel: Panel) -> Any:
    from wandb_workspaces.reports import v2 as parts

    by = None if panel.by is None else parts.Config(panel.by)
    match panel.kind:
        case "curve":
            return parts.LinePlot(title=panel.title, x=panel.x, y=list(panel.y), groupby=by, log_y=panel.log_y)
        case "points":
            kind, _, name = panel.x.partition(":")
            x = parts.Config(name) if kind == "config" else parts.SummaryMetric(name)
            y = parts.SummaryMetric(panel.y[0])
            return parts.ScatterPlot(title=panel.title, x=x, y=y, log_x=panel.log_x, log_y=panel.log_y)
        case "bars":
            return parts.BarPlot(title=panel.title, metrics=list(panel.y), groupby=by)
        case "pictures":
            return parts.MediaBrowser(title=panel.title, media_keys=list(panel.y))
        case "table":
            return parts.WeavePanelSummaryTable(table_name=panel.y[0])


def _words(section: str) -> list[Any]:
    """The ledger's statements, which no run logs."""
    if section != "Ledger":
        return []
    from wandb_workspaces.reports import v2 as parts

    lines = [f"- {claim.statement} ({claim.source}: {claim.expected.words})" for claim in all_claims()]
    return [parts.MarkdownPanel(markdown="\n".join([LEDGER, "", *lines]))]
