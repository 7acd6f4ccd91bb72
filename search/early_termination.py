"""Early termination: at each bracket, whether a run is good enough to go on. W&B's rule, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.brackets import from_above, from_below
from search.config import SweepConfig
from search.evidence import finite


@dataclass(frozen=True)
class Decision:
    """What was decided about one run, and why.

    Attributes:
        stop: whether the run ends here.
        reason: in words, as in "rank 7 of 9 at epoch 27; 3 go on".
        bracket: where the runs were compared, counted from 1 in values of the metric.
        rank: the run's, from 1, among all runs that reached the bracket; equal values share the better rank.
        rivals: the other runs' values there, the best first.
        needed: the value that a run needs there to go on.
    """

    stop: bool
    reason: str
    bracket: int
    rank: int
    rivals: tuple[float, ...]
    needed: float


def brackets(config: SweepConfig) -> tuple[int, ...]:
    """The brackets of `early_terminate` in ascending order, each once; none without the section.

    `max_iter` and `s` win over `min_iter`, and brackets that no run reaches (beyond 2**53) are left out.
    """
    section = config.early_terminate
    if section is None:
        return ()
    if section.max_iter is not None and section.s is not None:
        return from_above(section.max_iter, section.eta, section.s)
    return () if section.min_iter is None else from_below(section.min_iter, section.eta)


def reached(config: SweepConfig, count: int) -> int:
    """The highest bracket within so many values of the metric; 0 before the first."""
    return max((bracket for bracket in brackets(config) if bracket <= count), default=0)


def decide(config: SweepConfig, curve: Sequence[float], rivals: Sequence[float]) -> Decision | None:
    """Decides, at the highest bracket that a run has reached, whether it goes on.

    Meant to be called with the row that reaches a bracket; a later call looks at the same bracket again, where more
    rivals may have arrived.

    Args:
        config: with `metric` and `early_terminate`.
        curve: the metric of a run in the order in which it was logged. NaN and infinities are left out: a bracket
            counts values of the metric, not W&B's steps.
        rivals: the value at that bracket of every other run that reached it, in whatever state; all finite.

    Returns:
        None before the first bracket. A run is stopped if its value at the bracket (with `strict: false` the best that
        it ever logged) is worse than the value of rank `1 + int(n / eta)` of the n runs that reached it; ties go on.

    Source: W&B's package `sweeps` 0.3.0, `hyperband_stopping`; Li et al. 2018, JMLR 18(185).
    """
    section, metric = config.early_terminate, config.metric
    if section is None or metric is None:
        return None
    sign = -1 if metric.goal == "maximize" else 1
    own = [sign * value for value in finite(curve)]
    bracket = reached(config, len(own))
    if not bracket:
        return None
    others = sorted(sign * value for value in rivals)
    compared = own[bracket - 1] if section.strict else min(own)
    return _decision(section.eta, bracket, compared, own[bracket - 1], others, sign)


def _decision(eta: float, bracket: int, compared: float, there: float, others: list[float], sign: int) -> Decision:
    everyone = sorted([*others, there])
    threshold = everyone[int(1.0 / eta * len(everyone))]
    rank = 1 + sum(value < compared for value in others)
    going_on = sum(value <= threshold for value in everyone)
    return Decision(
        stop=compared > threshold,
        reason=f"rank {rank} of {len(everyone)} at epoch {bracket}; {going_on} go on",
        bracket=bracket,
        rank=rank,
        rivals=tuple(sign * value for value in others),
        needed=sign * threshold,
    )
