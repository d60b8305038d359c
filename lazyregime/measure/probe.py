"""The probe: the kernel on anchors and on held-out points, regression with it, and every metric, at any moment.

It serves the Trainer, gradient flows and anybody's training loop alike, and knows of none of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

from torch import Tensor

from lazyregime.errors import in_words, is_of_the_machine
from lazyregime.measure.evidence import evidence_from
from lazyregime.measure.found import Found
from lazyregime.measure.function import Function
from lazyregime.measure.gain import Gain, paired_gain, scores
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.looking import Looking
from lazyregime.measure.measuring import measured, suffixed
from lazyregime.measure.metric import Earlier, Moment
from lazyregime.measure.null import Draw, Null, null_of
from lazyregime.measure.points import Points
from lazyregime.measure.seen import Seen, in_eval_mode
from lazyregime.measure.stored import tensors_of
from lazyregime.measure.verdict import judge

ENDS = ("init", "final")  # the tags of full looks, which the verdict is of


@final
class Probe:
    """Looks at a network at moments that others choose, and remembers what it found under their tags.

    What a look cannot find is missing and leaves a warning: no training is lost for it.

    Args:
        points: Where it looks; None for metrics that need no kernel.
        initial: The state at w0, which stays as it is.
        kernel: How kernels are computed.
        ridge: Of the regression, relative to the kernel's mean diagonal.
        headline: The protocol by which looks in between regress; None for all that there are.
        per_layer: Whether to look at the kernel of each layer too, by passes of its own.
    """

    def __init__(
        self,
        points: Points | None,
        initial: Seen,
        kernel: KernelMaker | None = None,
        *,
        ridge: float = 0.0,
        headline: str | None = None,
        per_layer: bool = False,
    ) -> None:
        self.points, self.initial = points, initial
        kernel = kernel or KernelMaker()
        self.looking = None if points is None else Looking(points, kernel, ridge, self._warn, headline, per_layer)
        self.found: dict[str, Found] = {}
        self.warnings: list[str] = [] if points is None else list(points.notes)

    def look(self, state: Seen, tag: str, time: float | None = None) -> Found:
        """Measure a state, and remember it under `tag`; the first tag is "init", the last one "final".

        In between the regression is tested on the held-out points alone. `time` is when that is, in whatever unit.
        """
        first = self.found.get("init")
        with in_eval_mode(state.model):
            between = tag not in ENDS
            seen = Found() if self.looking is None else self.looking.at(state.model, tag, first, in_between=between)
            before = self._moment(self.initial, seen if first is None else first)
            now = replace(self._moment(state, seen), earlier=self._earlier(time))
            values = measured(now, before, tag, self._warn)
        self.found[tag] = replace(seen, scalars=seen.scalars | values.of_moment, moved=values.moved, time=time)
        return self.found[tag]

    def glance(self, state: Seen) -> dict[str, float]:
        """What metrics tell of weights and gates alone, which is quick; it is not remembered."""
        nothing = Found()
        quick = replace(state, network=None)
        now, first = self._moment(quick, nothing), self._moment(self.initial, nothing)
        values = measured(now, first, "a glance", self._warn)
        return Found(values.of_moment, values.moved).rows

    def result(self, null: Null | None = None) -> dict[str, Any]:
        """The values of both ends under the names of a run's result, with the verdict."""
        first, last = self._found("init"), self._found("final")
        named: dict[str, Any] = suffixed(first.scalars, "init") | suffixed(last.scalars, "final") | last.moved
        if self.points is None:
            return named
        evidence = evidence_from(last.moved, self.gain(), null, of_targets=self.points.num_classes is None)
        return named | evidence.measures | {"verdict": judge(evidence).word}

    def gain(self) -> Gain | None:
        """What regression with the kernel gained since initialization; None where one of the two is missing."""
        if self.points is None or not all("adh" in self._found(tag).per_point for tag in ("init", "final")):
            return None
        before, after = (
            scores(self._found(tag).per_point["adh"], self.points.test_labels.cpu()) for tag in ("init", "final")
        )
        return paired_gain(before, after)

    def null(self, draw: Draw, **options: Any) -> Null | None:
        """Of the networks that `draw` makes, options as for `null_of`; None, with a warning, where there is none."""
        try:
            return None if self.points is None else null_of(draw, self.points, **options)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self._warn(f"Two initializations could not be compared: {in_words(error)}")
            return None

    def tensors(self) -> dict[str, Tensor]:
        """What a run keeps of it."""
        return {} if self.points is None else tensors_of(self.points, self.found)

    def state_dict(self) -> dict[str, Any]:
        """Everything found so far."""
        return {"found": {tag: each.state_dict() for tag, each in self.found.items()}, "warnings": list(self.warnings)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.found = {tag: Found.of(each) for tag, each in state["found"].items()}
        self.warnings[:] = state.get("warnings", [])

    def _earlier(self, time: float | None) -> Earlier | None:
        """The latest look before a time."""
        looks = [(f.time, f.grams["adh"]) for f in self.found.values() if f.time is not None and "adh" in f.grams]
        before = [] if time is None else sorted([look for look in looks if look[0] < time], key=lambda look: look[0])
        return Earlier(before[-1][1], time - before[-1][0]) if time is not None and before else None

    def _found(self, tag: str) -> Found:
        return self.found.get(tag, Found())

    def _moment(self, state: Seen, found: Found) -> Moment:
        points = self.points
        return Moment(
            gram=found.grams.get("adh"),
            labels=None if points is None else points.anchor_labels,
            held_out=found.held_out,
            held_out_labels=None if points is None else points.held_out_labels,
            weights=state.weights,
            gates=state.gates,
            function=None if points is None else Function.of(state.network, points.anchors),
            objective=state.objective,
            layer_grams=found.layer_grams,
        )

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
