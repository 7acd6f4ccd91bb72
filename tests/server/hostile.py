"""Requests that nobody means: drawn from the protocol's own schema, from the words of pages and of sweep files, with
values that mostly fit."""

import json
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
)
from hypothesis import strategies as st

from server import protocol

SDL = ("schema.graphql", "artifacts.graphql")
SCHEMA = build_schema("\n".join((Path(protocol.__path__[0]) / name).read_text() for name in SDL))
DEPTH = 4

# Half characters, NUL, numbers that SQLite has no room for, names that some part of the server knows.
HALVES = st.text(st.characters(categories=["Cs"]), min_size=1, max_size=2)
KNOWN = (
    "p r s value keys samples minStep maxStep loss cause _wandb _step state running finished config.a +name,-config.a "
    "$and $or $not $regex $in $gt sweep tags"
)
WORDS = st.sampled_from(KNOWN.split())
ODD = st.text(max_size=6) | st.sampled_from(["", "\0", "a\0b", "é" * 300, "{}", "[]"])
# One in some thirty is broken: a request is refused for the first such text, and the others have to be reached.
TEXTS = st.integers(0, 29).flatmap(lambda i: HALVES if i > 28 else ODD if i > 24 else WORDS)
NUMBERS = st.integers(0, 9) | st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([2**31, 2**63, 10**400])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
JSON_TEXTS = OBJECTS.map(json.dumps) | OBJECTS.map(json.dumps) | VALUES.map(json.dumps) | TEXTS
STEPS = st.none() | NUMBERS | TEXTS
SPECS = st.fixed_dictionaries(
    {"keys": st.lists(WORDS, max_size=2) | VALUES}, optional={"samples": STEPS, "minStep": STEPS, "maxStep": STEPS}
)
FIELDS = "$and $or $nor $not state config.a summary_metrics.loss tags sweep created_at"
OPERATORS = "$eq $ne $gt $lte $in $nin $exists $regex $not"
CONDITIONS = st.dictionaries(st.sampled_from(OPERATORS.split()), VALUES, max_size=3)
FILTERS = st.dictionaries(st.sampled_from(FIELDS.split()) | TEXTS, VALUES | CONDITIONS, max_size=3)
CONFIGS = st.sampled_from(
    [
        'method: random\nparameters: {a: {value: "\\ud800"}}',
        'method: bayes\nmetric: {name: "x\\ude00"}\nparameters: {a: {min: 0.0, max: 1.0}}',
        'method: grid\nparameters: {"\\udc00": {values: [1, 1.5, "b", "\\0"]}}',
    ]
)

SORTS = st.sampled_from(["metric", "run", "state", "rows", "time", "p.units", "p.nothing"])
RANGES = st.sampled_from(["8", "8..16", "..1", "0.1..", "-1e400..", "nan", "a..b"])
# Names and texts of the addresses of pages.
PARTS = st.one_of(
    st.tuples(st.just("sort"), SORTS),
    st.tuples(st.just("order"), st.sampled_from(["asc", "desc"])),
    st.tuples(st.just("state"), st.sampled_from(["all", "finished", "failed", "killed", "running"])),
    st.tuples(st.sampled_from(["page", "top", "since"]), st.sampled_from(["1", "2", "10", "0", "-1", "9" * 30])),
    st.tuples(st.sampled_from(["m", "f.units", "f.nothing"]), RANGES),
    st.tuples(st.just("hide"), SORTS),
    st.tuples(st.sampled_from(["run", "add", "version", "path", "selectionPath", "show", "x", "scale"]), TEXTS),
    st.tuples(TEXTS, TEXTS),
)
QUERIES = st.lists(PARTS, max_size=4)

FINITE = st.sampled_from([0, 0.5, 1, 8, 16, -3, 1e-9, 1e300])
LEAVES = FINITE | st.booleans() | st.sampled_from(["adam", "relu", "", "é"]) | st.none()
DISTRIBUTIONS = st.sampled_from(
    ["uniform", "q_uniform", "log_uniform_values", "int_uniform", "normal", "log_normal", "beta", "categorical", "none"]
)
BOUNDS = st.fixed_dictionaries(
    {"min": FINITE, "max": FINITE}, optional={"distribution": DISTRIBUTIONS, "q": FINITE, "mu": FINITE, "sigma": FINITE}
)
PARAMETERS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({"values": st.lists(LEAVES, min_size=1, max_size=4)})
    | st.fixed_dictionaries({"value": LEAVES})
    | BOUNDS,
    lambda inner: st.fixed_dictionaries({"parameters": st.dictionaries(TEXTS, inner, min_size=1, max_size=2)}),
    max_leaves=3,
)
SWEEPS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["grid", "random", "bayes", "nonsense"]),
        "parameters": st.dictionaries(st.sampled_from(["units", "rate", "depth"]), PARAMETERS, min_size=1, max_size=3),
    },
    optional={
        "metric": st.fixed_dictionaries(
            {"name": st.sampled_from(["loss", ""]), "goal": st.sampled_from(["minimize", "maximize", "best"])}
        ),
        "early_terminate": st.fixed_dictionaries(
            {"type": st.sampled_from(["hyperband", "other"])}, optional={"min_iter": FINITE, "s": FINITE, "eta": FINITE}
        ),
        "run_cap": FINITE,
        "name": TEXTS,
    },
)
BODIES = st.binary(max_size=40) | st.integers(0, 200_000).map(bytes)


@st.composite
def operations(draw: st.DrawFn, ids: dict[str, list[str]]) -> dict[str, Any]:
    """A GraphQL request: one root field with its arguments as variables.

    Args:
        ids: names and node ids that exist on the server; some arguments are drawn from these.
    """
    kind = draw(st.sampled_from(["query", "mutation"]))
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root is not None
    name = draw(st.sampled_from(["project", "project", *root.fields] if kind == "query" else list(root.fields)))
    variables: dict[str, Any] = {}
    declared: list[str] = []
    text = _field(draw, name, root.fields[name], DEPTH, variables, declared, ids)
    head = f"({', '.join(declared)})" if declared else ""
    return {"query": f"{kind} {head} {{ {text} }}", "variables": variables, "operationName": ""}


def chunks() -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of the file stream."""
    rows = st.lists(OBJECTS.map(json.dumps) | OBJECTS.map(_unescaped), min_size=1, max_size=3)
    usual = st.fixed_dictionaries({"offset": st.integers(0, 5), "content": rows})
    odd = st.fixed_dictionaries({"offset": NUMBERS, "content": st.lists(JSON_TEXTS, max_size=3) | VALUES})
    part = st.integers(0, 9).flatmap(lambda i: odd if i == 9 else usual)
    names = ("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log")
    files = st.fixed_dictionaries({}, optional=dict.fromkeys(names, part))
    return st.fixed_dictionaries({"files": files}, optional={"exitcode": NUMBERS, "preempting": VALUES})


def _unescaped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _field(
    draw: st.DrawFn,
    name: str,
    field: GraphQLField,
    depth: int,
    variables: dict[str, Any],
    declared: list[str],
    ids: dict[str, list[str]],
) -> str:
    given = []
    for argument, type in ((argument, each.type) for argument, each in field.args.items()):
        if isinstance(type, GraphQLNonNull) or draw(st.booleans()):
            variable = f"v{len(declared)}"
            declared.append(f"${variable}: {type}")
            variables[variable] = _value(draw, argument, type, ids)
            given.append(f"{argument}: ${variable}")
    arguments = f"({', '.join(given)})" if given else ""
    return f"{name}{arguments} {_selection(draw, field, depth, variables, declared, ids)}"


def _selection(
    draw: st.DrawFn,
    field: GraphQLField,
    depth: int,
    variables: dict[str, Any],
    declared: list[str],
    ids: dict[str, list[str]],
) -> str:
    type = get_named_type(field.type)
    if not isinstance(type, GraphQLObjectType):
        return ""
    leaves = [name for name, each in type.fields.items() if not _deep(each) and not each.args]
    deep = [name for name, each in type.fields.items() if (_deep(each) or each.args) and depth > 0]
    chosen = draw(st.lists(st.sampled_from(deep), max_size=3, unique=True)) if deep else []
    inner = [_field(draw, name, type.fields[name], depth - 1, variables, declared, ids) for name in chosen]
    return f"{{ __typename {' '.join([*leaves, *inner])} }}"


def _deep(field: GraphQLField) -> bool:
    return isinstance(get_named_type(field.type), GraphQLObjectType)


def _value(draw: st.DrawFn, name: str, type: Any, ids: dict[str, list[str]]) -> Any:
    if isinstance(type, GraphQLNonNull):
        return _value(draw, name, type.of_type, ids)
    if isinstance(type, GraphQLList):
        return [_value(draw, name, type.of_type, ids) for _ in range(draw(st.integers(0, 3)))]
    if isinstance(type, GraphQLInputObjectType):
        return {
            name: _value(draw, name, each.type, ids)
            for name, each in type.fields.items()
            if isinstance(each.type, GraphQLNonNull) or draw(st.booleans())
        }
    if name == "specs":
        return draw(SPECS.map(json.dumps) | VALUES)
    if name == "filters":
        return draw(FILTERS.map(json.dumps) | VALUES)
    if name in ids and draw(st.integers(0, 4)):
        return draw(st.sampled_from(ids[name]))
    if isinstance(type, GraphQLEnumType):
        return draw(st.sampled_from(list(type.values)))
    return draw(_scalars(name, type.name))


def _scalars(name: str, type: str) -> st.SearchStrategy[Any]:
    if name == "config" and type == "String":
        return CONFIGS | JSON_TEXTS
    match type:
        case "JSONString":
            return JSON_TEXTS | JSON_TEXTS | VALUES
        case "Boolean":
            return st.booleans()
        case "Float":
            return st.floats(allow_nan=False)
        case "Int":
            return st.integers(0, 9) | st.integers(-(2**31), 2**31 - 1)
        case "Int64":
            return NUMBERS | VALUES
    return TEXTS
