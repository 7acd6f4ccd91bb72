"""The results of a sweep, read from any backend through W&B's own `Api`."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.commands import client
from search import metric_names
from terms import states
from terms.points import NO_SUGGESTION, sentence
from terms.record import INTERRUPTED, PROVENANCE
from terms.told import CAUSE_KIND, POINT, cause_of, told

HOPELESS_FAILURES = 5
# What a lazy list of runs leaves out costs a request for each that has not ended: ten times its share of a whole list.
LAZY_GAIN = 10


@dataclass(frozen=True)
class RunResult:
    """One run of a sweep.

    Attributes:
        values: the sweep's parameters as this run took them.
        metric: the sweep's metric, as last logged; None before that, and for NaN.
        epoch: as last logged, counted by the trainer; None before that.
        cause: why it failed, in its own words; None if it said nothing.
        cause_kind: of that cause, as the embedded server tells it; None on other backends.
        code_sha256: of the program that it ran; None if it did not say.
        point: which of its sweep's it was handed out for, from 1, as the embedded server tells it; None on others.
        logged: the names of its values, where the sweep's metric is not one of them.
        begin_s, end_s: when it was given to an agent and when it ended, in seconds since 1970 by its backend's clock;
            None where that does not tell, and for one that has not ended.
        epochs_asked: how many it does if nothing stops it; None where it does not tell.
    """

    id: str
    name: str
    state: str
    values: Mapping[str, Any]
    metric: float | None = None
    epoch: int | None = None
    cause: str | None = None
    cause_kind: str | None = None
    code_sha256: str | None = None
    point: int | None = None
    logged: tuple[str, ...] = ()
    begin_s: float | None = None
    end_s: float | None = None
    epochs_asked: int | None = None

    @property
    def interrupted(self) -> bool:
        """Whether it ended because somebody stopped it: its cause says so, or nobody saw one."""
        cause = self.cause or INTERRUPTED
        return cause.startswith(INTERRUPTED) or "SIGTERM" in cause or "SIGINT" in cause

    @property
    def ending(self) -> str:
        """Its state, with what early termination ended apart from what a person killed."""
        early = self.state == states.KILLED and (self.cause or "").startswith(states.STOPPED_EARLY)
        return states.STOPPED_EARLY if early else self.state

    @property
    def point_key(self) -> str:
        """What two runs of the same point have in common: a random search may draw the same values for two points."""
        return json.dumps(self.values if self.point is None else self.point, sort_keys=True, default=str)


@dataclass(frozen=True)
class Results:
    """A sweep at one moment.

    Attributes:
        path: "entity/project/id".
        state: one of `terms.states.SWEEP_STATES`.
        metric: its name; None if the sweep file names none.
        expected: how many runs it takes; None if it has no end.
        runs: oldest first.
        note: the sweep's description; the embedded server adds why a sweep has stopped itself.
        read_at_s: the moment, in seconds since 1970; what else is the same is the same at another.
    """

    path: str
    name: str
    url: str
    state: str
    metric: str | None
    maximize: bool
    expected: int | None
    runs: tuple[RunResult, ...]
    note: str | None = None
    read_at_s: float = field(default=0.0, compare=False)

    @property
    def over(self) -> bool:
        return self.state in states.SWEEP_OVER

    @property
    def waits(self) -> str | None:
        """Why its agents wait in vain; None where they do not, or nobody tells."""
        return next((line for line in (self.note or "").splitlines() if line.startswith(NO_SUGGESTION)), None)

    @property
    def finished(self) -> list[RunResult]:
        """Runs whose result counts; one that was stopped early has one too."""
        return [run for run in self.runs if run.state in states.RESULTS]

    @property
    def running(self) -> list[RunResult]:
        return [run for run in self.runs if run.state == states.RUNNING]

    @property
    def under_way(self) -> bool:
        """Whether a run is with an agent; one that never starts is given up when its agent has been silent for long."""
        return bool(self.busy)

    @property
    def busy(self) -> list[RunResult]:
        """Runs that agents have; of each its agent will say when it is over, or the backend gives it up."""
        return [run for run in self.runs if run.state in states.LIVE]

    @property
    def failed(self) -> list[RunResult]:
        """Runs without a result whose point will get none either, one for each point.

        While the sweep goes on, the point of a run that was interrupted or fell silent is given to another agent.
        """
        redeemed = {run.point_key for run in self.runs if run.state not in states.FAILURES}
        lost = [run for run in self.runs if run.state in states.FAILURES and run.point_key not in redeemed]
        told = lost if self.over else [run for run in lost if run.state == states.FAILED and not run.interrupted]
        return list({run.point_key: run for run in told}.values())  # of several attempts, the last one

    @property
    def handed_out(self) -> bool:
        """Whether every run that the sweep takes has been given to an agent, and none came back."""
        given = {run.point_key for run in self.runs if run.state not in (*states.FAILURES, states.PREEMPTED)}
        return self.expected is not None and len(given) + len(self.failed) >= self.expected

    @property
    def hopeless(self) -> bool:
        """Whether agents rightly give up, as W&B's do: as many failures as results, and not just a few."""
        return len(self.failed) >= max(HOPELESS_FAILURES, len(self.finished))

    @property
    def complete(self) -> bool:
        """Whether every run that the sweep takes gave a result."""
        enough = self.state == states.SWEEP_FINISHED if self.expected is None else len(self.finished) >= self.expected
        return enough and not self.failed and self.state != states.SWEEP_CANCELED

    def count(self) -> str:
        """In words: "3 of 5 runs finished, 1 stopped early, 1 failed (exception)"."""
        endings = Counter(run.ending for run in self.finished)
        finished = endings.pop(states.FINISHED, 0)
        total = "" if self.expected is None else f" of {self.expected}"
        runs = "run" if self.expected is None and finished == 1 else "runs"
        kinds = Counter(run.cause_kind for run in self.failed if run.cause_kind)
        told = kinds if kinds.total() == len(self.failed) else None
        others = f", {sentence({**endings, states.FAILED: len(self.failed)}, told)}" if endings or self.failed else ""
        return f"{finished}{total} {runs} finished{others}"

    @property
    def never_logged(self) -> str | None:
        """That no run has logged the metric, and what was logged instead; None where one has, or none has begun."""
        if self.metric is None or any(run.metric is not None for run in self.runs) or not self.finished:
            return None
        instead = metric_names.instead_of(self.metric, (name for run in self.runs for name in run.logged))
        return f"No run has logged {self.metric}{'' if self.over else ' yet'}. {instead}".rstrip()

    def best(self) -> list[RunResult]:
        """The runs with a metric, best first; the last value of one that failed or was lost is no result."""
        return sorted(
            (run for run in self.runs if run.metric is not None and run.state not in states.FAILURES),
            key=lambda run: -(run.metric or 0) if self.maximize else (run.metric or 0),
        )


class Reader:
    """Reads one sweep again and again; a run that has ended is fetched once.

    Raises:
        BackendError: if there is no such sweep.
    """

    def __init__(self, api: Any, path: str) -> None:
        self.path = path
        self._api = api
        with client.asking():
            self._sweep = api.sweep(path)
        self._ended: dict[str, RunResult] = {}
        self._lazy = False

    @property
    def config(self) -> dict[str, Any]:
        """The sweep's file, as its backend keeps it."""
        return dict(self._sweep.config)

    def read(self) -> Results:
        """Fetches the sweep as it is now.

        Raises:
            BackendError: if the backend does not answer, or has no such sweep.
        """
        with client.asking():
            return self._read()

    def state(self) -> str:
        """Fetches the sweep's state alone, by one request however many runs there are.

        Raises:
            BackendError: as `read` does.
        """
        with client.asking():
            self._sweep.load(force=True)
            return str(self._sweep.state)

    def _read(self) -> Results:
        sweep = self._sweep
        sweep.load(force=True)
        # Of several metrics the first is the one that runs are compared by.
        metric = next(iter(sweep.config.get("metrics") or ()), None) or sweep.config.get("metric") or {}
        runs = tuple(self._run(run, metric.get("name")) for run in self._runs())
        self._lazy = sum(run.state not in states.ENDED for run in runs) * LAZY_GAIN <= len(runs)
        return Results(
            path=self.path,
            name=sweep.name,
            url=sweep.url,
            state=sweep.state,
            metric=metric.get("name"),
            maximize=metric.get("goal") == "maximize",
            expected=_expected(sweep),
            runs=runs,
            note=getattr(sweep, "description", None),
            read_at_s=time.time(),
        )

    def _runs(self) -> Iterator[Any]:
        self._api.flush()  # else it answers from memory
        project = f"{self._sweep.entity}/{self._sweep.project}"
        yield from self._api.runs(project, filters={"sweep": self._sweep.id}, per_page=500, lazy=self._lazy)

    def _run(self, run: Any, metric: str | None) -> RunResult:
        known = self._ended.get(run.id)
        if known is not None and known.state == run.state:
            return known
        value = _number(run.summary.get(metric)) if metric else None
        summary = run.summary_metrics or {}
        result = RunResult(
            id=run.id,
            name=run.name or run.id,
            state=run.state,
            values={name: run.config.get(name) for name in self._parameters(run)},
            metric=value,
            epoch=run.summary.get("epoch"),
            cause=cause_of(summary),
            cause_kind=told(summary).get(CAUSE_KIND),
            code_sha256=(run.config.get(PROVENANCE) or {}).get("code_sha256"),
            point=told(summary).get(POINT),
            logged=tuple(metric_names.names(summary)) if metric and value is None else (),
            begin_s=_instant(getattr(run, "created_at", None)),
            end_s=_instant(getattr(run, "heartbeat_at", None)) if run.state in states.ENDED else None,
            epochs_asked=_count(run.config.get("epochs")),
        )
        if result.state in states.ENDED:
            self._ended[run.id] = result
        return result

    def _parameters(self, run: Any) -> list[str]:
        """The names of the values that a run was given; where a scheduler's function makes them, all that it took."""
        named = self._sweep.config.get("parameters")
        return list(named) if named else [name for name in run.config if name != PROVENANCE]


def _expected(sweep: Any) -> int | None:
    limits = [sweep.expected_run_count, sweep.config.get("run_cap")]
    return min((limit for limit in limits if limit), default=None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _instant(text: str | None) -> float | None:
    """Seconds since 1970 of a time as W&B's client tells it, which is UTC."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
