"""The keys of a W&B sweep file: a `SweepConfig` is such a file, checked and typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, ModelWrapValidatorHandler, Tag, model_validator

from search import rules, schedulers, space
from search.brackets import DEFAULT_ETA
from search.fields import AboveOne, Count, CountFromZero, Number, ParameterName, Seed, Word
from search.space import Parameter

ParameterPath = tuple[str, ...]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Group(_Section):
    """Nested parameters."""

    parameters: Annotated[dict[ParameterName, AnyParameter], Field(min_length=1)]


AnyParameter = Annotated[
    Annotated[space.Constant, Tag("constant")]
    | Annotated[space.Categorical, Tag("categorical")]
    | Annotated[space.WeightedCategorical, Tag("categorical_w_probabilities")]
    | Annotated[space.IntUniform, Tag("int_uniform")]
    | Annotated[space.Uniform, Tag("uniform")]
    | Annotated[space.QUniform, Tag("q_uniform")]
    | Annotated[space.LogUniform, Tag("log_uniform")]
    | Annotated[space.LogUniformValues, Tag("log_uniform_values")]
    | Annotated[space.QLogUniform, Tag("q_log_uniform")]
    | Annotated[space.QLogUniformValues, Tag("q_log_uniform_values")]
    | Annotated[space.InvLogUniform, Tag("inv_log_uniform")]
    | Annotated[space.InvLogUniformValues, Tag("inv_log_uniform_values")]
    | Annotated[space.Normal, Tag("normal")]
    | Annotated[space.QNormal, Tag("q_normal")]
    | Annotated[space.LogNormal, Tag("log_normal")]
    | Annotated[space.QLogNormal, Tag("q_log_normal")]
    | Annotated[space.Beta, Tag("beta")]
    | Annotated[space.QBeta, Tag("q_beta")]
    | Annotated[Group, Tag(rules.GROUP)],
    Discriminator(rules.kind),
]


PARAMETER_KINDS: dict[str, type[BaseModel]] = {
    tag.tag: model for model, tag in map(get_args, get_args(get_args(AnyParameter)[0]))
}


class Metric(_Section):
    """What a sweep optimises."""

    name: str
    goal: Literal["minimize", "maximize"] = "minimize"
    target: Number | None = None
    impute: Literal["latest", "best", "worst"] = "worst"
    impute_while_running: Literal["latest", "best", "worst", "false"] = "false"


class EarlyTerminate(_Section):
    """Hyperband's brackets: from `min_iter` up, or `s` of them from `max_iter` down."""

    type: Literal["hyperband"]
    min_iter: Count | None = None
    max_iter: Count | None = None
    s: Count | None = None
    eta: AboveOne = DEFAULT_ETA
    strict: bool = True


class Scheduler(_Section):
    """A search engine on the client's side."""

    engine: Literal["wandb", "optuna", "ax"]
    source: str | None = None
    optimizer: str | None = None
    search_space: str | None = None


class Extension(_Section):
    """What this server does beyond W&B's keys; `wandb sweep` passes the section through.

    Attributes:
        seed: decides random and Bayesian suggestions and the shuffle; None lets the server choose.
        shuffle: a grid in an order that the seed decides instead of W&B's.
        retries: how often a trial that failed by itself is tried again.
        stop_after_failures: the sweep ends when so many first trials all failed of the same cause; 0 for never.
    """

    seed: Seed | None = None
    shuffle: bool = False
    retries: CountFromZero = 2
    stop_after_failures: CountFromZero = 3


class Controller(BaseModel):
    """Who suggests: the server (`cloud`) or a `wandb controller` process."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    type: Literal["cloud", "local"]


class SweepConfig(_Section):
    """A sweep file. Made by `search.config.parse`, which says what is wrong in words."""

    method: Literal["grid", "random", "bayes", "custom"]
    parameters: Annotated[dict[ParameterName, AnyParameter], Field(min_length=1)] = {}
    metric: Metric | None = None
    metrics: Annotated[list[Metric], Field(min_length=2)] | None = None
    run_cap: Count | None = None
    early_terminate: EarlyTerminate | None = None
    name: str | None = None
    description: str | None = None
    program: str | None = None
    command: list[Word] | None = None
    project: str | None = None
    entity: str | None = None
    controller: Controller | None = None
    scheduler: Scheduler | None = None
    job: str | None = None
    image_uri: str | None = None
    apiVersion: str | None = None
    kind: Literal["sweep"] | None = None
    extension: Annotated[Extension, Field(alias="x-sweep")] = Extension()

    _raw: dict[str, Any]

    @model_validator(mode="wrap")
    @classmethod
    def _keep_raw(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        config = handler(data)
        config._raw = data
        return config

    @property
    def raw(self) -> dict[str, Any]:
        """The file as plain data."""
        return self._raw

    @cached_property
    def space(self) -> dict[ParameterPath, Parameter]:
        """Every parameter under its path, nested ones too, in W&B's order: sorted at each level."""
        return dict(_flattened(self.parameters, in_order=sorted))

    @cached_property
    def searched(self) -> dict[ParameterPath, Parameter]:
        """Those of `space` that vary, in the order of the file, which is the one that people know them by."""
        return {path: each for path, each in _flattened(self.parameters, in_order=list) if space.varies(each)}

    def nested(self, values: Iterable[Any]) -> dict[str, Any]:
        """Values in the order of `space`, nested as the parameters are."""
        nested: dict[str, Any] = {}
        for path, value in zip(self.space, values, strict=True):
            group = nested
            for name in path[:-1]:
                group = group.setdefault(name, {})
            group[path[-1]] = value
        return nested

    @cached_property
    def objectives(self) -> tuple[Metric, ...]:
        """What is optimised; where one number is due, runs are compared by the first."""
        return tuple(self.metrics or ([self.metric] if self.metric else ()))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and surely not meant, one sentence each."""
        found = (*rules.warnings(self.raw), *schedulers.warnings(self.raw))
        return tuple(dict.fromkeys(warning.message for warning in found))


def _flattened(
    parameters: Mapping[str, Any], in_order: Callable[[Iterable[str]], list[str]], above: ParameterPath = ()
) -> Iterator[tuple[ParameterPath, Parameter]]:
    for name in in_order(parameters):
        parameter = parameters[name]
        if isinstance(parameter, Group):
            yield from _flattened(parameter.parameters, in_order, (*above, name))
        else:
            yield (*above, name), parameter
