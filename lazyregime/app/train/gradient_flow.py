"""Gradient flows from configurations to results: one run, or many that are stepped together as one batched model."""

import time
from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor

from lazyregime.app.command import AbstractWork
from lazyregime.app.compose.build import load_data, torch_dtype
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.devices import device_of
from lazyregime.app.console import Console
from lazyregime.app.train.member import FlowMember
from lazyregime.data import ClassificationData
from lazyregime.gradient_flow import Flow, FlowFunction, FlowProblem, KernelFunction, NetworkFunction, Snapshot
from lazyregime.notice import NOTICE
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import GradientFlowResult

SHOW_EVERY = 1.0  # seconds
LOOK_EVERY = 1.0  # seconds, for a notice to leave
Ended = Callable[[int, FlowMember, float], None]  # the member's number, the member, and seconds of flow


@final
class FlowTraining(AbstractWork):
    """One run."""

    def __init__(self, config: ConfigDict, folder: RunFolder, console: Console) -> None:
        self.together = FlowsTogether([config], [folder], console)
        self.member = self.together.members[0]

    @property
    def step(self) -> int | None:
        """Steps accepted at the latest look."""
        return None if self.member.last is None else self.member.last.steps

    def opening(self) -> str:  # noqa: D102
        from lazyregime.app.train.training import formula

        member = self.member
        how = "the frozen kernel's dual" if member.gram is not None else formula(member.module)
        return f"gradient flow of {how}; {member.num_params:,} parameters on {member.device}"

    def run(self) -> GradientFlowResult:  # noqa: D102
        results: list[GradientFlowResult] = []
        self.together.run(lambda _, member, seconds: results.append(member.result(seconds)))
        return results[0]


@final
class FlowsTogether:
    """Runs of one architecture that differ in seeds and alpha, stepped together; each ends on its own."""

    def __init__(self, configs: Sequence[ConfigDict], folders: Sequence[RunFolder], console: Console) -> None:
        self.console = console
        first = configs[0]
        self.device = device_of(first)
        loaded: list[tuple[Any, ClassificationData]] = []
        self.members: list[FlowMember] = []
        for config, folder in zip(configs, folders, strict=True):
            data = next((d for node, d in loaded if node == config["data"]), None)
            if data is None:
                with console.progress(f"Loading {config['data']['name']}"):
                    data = load_data(config).to(self.device, torch_dtype(config))
                loaded.append((config["data"], data))
            self.members.append(FlowMember(config, folder, data, self.device, console))
        self.save_every = self.members[0].recipe.save_every
        self.shared = len(loaded) == 1

    def run(self, ended: Ended) -> None:
        """Flow, or go on from the checkpoints; `ended` is told of each member in the order in which they end."""
        began = [m for m in self.members if m.resumed is not None]
        fresh = [m for m in self.members if m.resumed is None]
        for members in (began, fresh):  # what has begun is further, and has a state of its own
            if members:
                self._flow(members, ended)

    def _flow(self, members: list[FlowMember], ended: Ended) -> None:
        recipe = members[0].recipe
        params = [torch.stack(tensors) for tensors in zip(*(m.start() for m in members), strict=True)]
        states = [m.resumed for m in members if m.resumed is not None]
        flow = Flow(
            self._problem(members), params, recipe,
            per_decade=recipe.per_decade, resumed=Flow.joined(states) if states else None,
        )  # fmt: skip
        title = members[0].folder.name if len(members) == 1 else f"{len(members)} flows together"
        done, shown, saved = 0, 0.0, time.perf_counter()
        with self.console.progress(title, total=len(members)) as update:

            def observe(snapshot: Snapshot) -> None:
                nonlocal done, shown
                member = members[snapshot.member]
                member.observe(snapshot)
                if snapshot.status:
                    done += 1
                    ended(self.members.index(member), member, flow.seconds)
                if snapshot.status or time.perf_counter() - shown > SHOW_EVERY:
                    shown = time.perf_counter()
                    loss = member.rows[-1]["train_loss"]
                    update(done, f"time {snapshot.time:.3g}, step {snapshot.steps}, loss {loss:.3g}")

            with NOTICE.deferred(interrupts=True):
                while not flow.run(observe, pause_after=min(LOOK_EVERY, self.save_every)):
                    told = NOTICE.signum  # it may come at any moment, and nobody leaves who has not saved
                    if told or time.perf_counter() - saved >= self.save_every:
                        saved = time.perf_counter()
                        _save(flow, members)
                    if told:
                        NOTICE.leave()

    def _problem(self, members: list[FlowMember]) -> FlowProblem:
        modules = [m.module for m in members]
        first = members[0]
        labels = torch.stack([m.data.train_labels for m in members])
        alpha = torch.tensor([m.alpha for m in modules], dtype=first.weights[0].dtype, device=self.device)
        return FlowProblem(self._function(members), labels, alpha, modules[0].loss)

    def _function(self, members: list[FlowMember]) -> FlowFunction:
        first = members[0]
        if first.gram is not None:
            return KernelFunction(torch.stack([_present(m.gram) for m in members]))
        initial = [torch.stack(weights) for weights in zip(*(m.weights for m in members), strict=True)]
        inputs = first.data.train_inputs if self.shared else torch.stack([m.data.train_inputs for m in members])
        return NetworkFunction(
            first.module.network, inputs, initial,
            own_inputs=not self.shared, rates=first.rates,
            centred=first.module.centred, linearized=first.module.linearized,
            decay=first.recipe.weight_decay,
        )  # fmt: skip


def _save(flow: Flow, members: Sequence[FlowMember]) -> None:
    for number, member in enumerate(members):
        state = flow.member_state(number)
        if state is not None:
            member.save(state)


def _present(gram: Tensor | None) -> Tensor:
    assert gram is not None
    return gram
