"""What a sweep of this trainer may ask for: mistakes that otherwise a trial would find.

Rules over a sweep file's plain data, for `search.config.check`. They say nothing of sweeps that run other programs,
and pass over keys of the wrong type: those are mistakes of their own.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.commands.program_rules import words
from app.config import LOGGED, TrialConfig
from app.train import NOT_VALUES
from app.values import ConfigError, parse_flags
from search import rules
from search.document import Problem
from search.early_termination import brackets
from search.schema import PARAMETER_KINDS, SweepConfig
from search.space import Parameter
from search.wording import Path, dotted, not_a_number, respelt, shown, suggestion

TRAINER = ("-m", "app.train")
TRAINER_FILE = ("app", "train.py")

_EDGE = 1e-15
_BELLS_EDGE = 1e-6  # a normal distribution has no ends; what it draws once in a million times counts as one
_INNER = [(position * 0.618034) % 1 for position in range(1, 17)]

Model = TypeVar("Model", bound=BaseModel)


def problems(data: dict[str, Any]) -> Iterator[Problem]:
    """Each thing that the trainer does not take, as far as the sweep's command runs it."""
    flags = _flags(words(data))
    if flags is None:
        return
    try:
        fixed = parse_flags(flags)
    except ConfigError as error:
        fixed = {}
        yield from (Problem(("command",), problem) for problem in error.problems)
    yield from _fixed(fixed, words(data))
    given = data.get("parameters")
    parameters = given if isinstance(given, dict) else {}
    for name, spec in parameters.items():
        if not name.startswith(NOT_VALUES):
            yield from _parameter(name, spec)
    if "search_space" not in rules.section(data, "scheduler"):  # which names the rest
        yield from _missing(parameters.keys() | fixed.keys())
    yield from _early_terminate(data.get("early_terminate"), _most_epochs(parameters.get("epochs"), fixed))


def runs_trainer(data: dict[str, Any]) -> bool:
    """Whether the sweep's trials are this trainer's."""
    return _flags(words(data)) is not None


def doubts(data: dict[str, Any]) -> Iterator[Problem]:
    """Metrics that the trainer does not log by itself; one's own may be logged and not be named yet."""
    if runs_trainer(data):
        yield from _metrics(data)


def _flags(command: list[str]) -> list[str] | None:
    """What a command gives the trainer beside the sweep's own values; None if it runs another program."""
    start = next((place for place, pair in enumerate(pairwise(["", *command]), 1) if _is_trainer(*pair)), None)
    return None if start is None else [word for word in command[start:] if not word.startswith("${")]


def _is_trainer(before: str, word: str) -> bool:
    return (before, word) == TRAINER or PurePath(word).parts[-2:] == TRAINER_FILE


def _fixed(fixed: dict[str, Any], command: list[str]) -> Iterator[Problem]:
    for name, value in fixed.items():
        if problem := TrialConfig.problem(name, value):
            place = next(place for place, word in enumerate(command) if word.startswith(f"--{name}"))
            yield Problem(("command", place), problem)


def _missing(given: set[str]) -> Iterator[Problem]:
    for name, field in TrialConfig.model_fields.items():
        if field.is_required() and name not in given:
            yield Problem(("parameters", name), f"`{name}` is missing. Allowed: {TrialConfig.allowed(name)}.")


def _parameter(name: str, spec: Any) -> Iterator[Problem]:
    path = ("parameters", name)
    if name not in TrialConfig.model_fields:
        yield Problem(path, TrialConfig.problem(name, None) or "")
    elif rules.kind(spec) == rules.GROUP:
        yield Problem(path, TrialConfig.problem(name, spec["parameters"]) or "")
    elif isinstance(spec, dict):
        for place, value in rules.listed(path, spec):
            yield from _value(place, name, value)
        yield from _drawn(path, spec)


def _value(place: Path, name: str, value: Any) -> Iterator[Problem]:
    is_text = TrialConfig.model_fields[name].annotation is str
    if isinstance(value, str) and respelt(value) and not is_text:
        yield Problem(place, f"`{dotted(place)}` {not_a_number(value)}")
    elif problem := TrialConfig.problem(name, value):
        yield Problem(place, problem)


def _drawn(path: Path, spec: dict[str, Any]) -> Iterator[Problem]:
    """The first value found that a distribution can give and the trainer does not take."""
    drawn = _distribution(spec)
    if drawn is None or "value" in spec or "values" in spec:
        return
    name = str(path[-1])
    ends = _ends(drawn)
    for key, value in [*zip(("min", "max"), ends, strict=True), *((None, drawn.at(unit)) for unit in _INNER)]:
        # A range may end at a limit itself, and counts in whole numbers' favour there.
        if TrialConfig.problem(name, value) and TrialConfig.problem(name, near := _rounded(value)):
            yield Problem(
                (*path, key) if key in spec else path,
                f"`{dotted(path)}` is drawn from {drawn.distribution}, which can give {shown(near)}."
                f" Allowed: {TrialConfig.allowed(name)}.",
            )
            return


def _distribution(spec: Any) -> Parameter | None:
    kind = PARAMETER_KINDS.get(rules.kind(spec) or "")
    valid = _valid(kind, spec) if kind else None
    return valid if isinstance(valid, Parameter) else None


def _ends(drawn: Parameter) -> tuple[Any, Any]:
    edge = _BELLS_EDGE if hasattr(drawn, "sigma") else _EDGE
    return drawn.at(edge), drawn.at(1 - edge)


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _valid(model: type[Model], data: Any) -> Model | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _metrics(data: dict[str, Any]) -> Iterator[Problem]:
    several = data.get("metrics")
    places: list[tuple[Path, Any]] = [(("metric",), data.get("metric"))]
    places += [(("metrics", place), each) for place, each in enumerate(several if isinstance(several, list) else ())]
    for path, metric in places:
        name = metric.get("name") if isinstance(metric, dict) else None
        if isinstance(name, str) and name not in LOGGED:
            place = (*path, "name")
            yield Problem(
                place,
                f"`{dotted(place)}` is {shown(name)}, which the trainer does not log.{suggestion(name, LOGGED)}"
                " One that your model or callbacks log is added to `LOGGED` in app/config.py, which has"
                f" {', '.join(LOGGED)}.",
            )


def _early_terminate(section: Any, epochs: float | None) -> Iterator[Problem]:
    if not isinstance(section, dict) or epochs is None:
        return
    sweep = _valid(SweepConfig, {"method": "grid", "early_terminate": section})
    first = next(iter(brackets(sweep)), None) if sweep else None
    if first is not None and first > epochs:
        key = "max_iter" if {"max_iter", "s"} <= section.keys() else "min_iter"
        yield Problem(
            ("early_terminate", key),
            f"`early_terminate` looks at runs after {first} epochs for the first time, and no trial has more than"
            f" {epochs:g}: it can stop none. Allowed: a first bracket from 1 to {epochs:g}.",
        )


def _most_epochs(spec: Any, fixed: dict[str, Any]) -> float | None:
    """The epochs of the longest trial; None where they cannot be told."""
    if spec is None:
        candidates = [fixed.get("epochs", TrialConfig.model_fields["epochs"].default)]
    elif "value" in spec or "values" in spec:
        candidates = [value for _, value in rules.listed((), spec)]
    else:
        drawn = _distribution(spec)
        candidates = [] if drawn is None else [_rounded(_ends(drawn)[1])]
    return max((number for number in candidates if isinstance(number, int | float)), default=None)
