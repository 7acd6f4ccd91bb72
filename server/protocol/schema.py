"""The executable schema: the SDL beside this file, in two parts, its fields bound to the resolvers."""

from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from server.protocol.json_values import strict
from server.protocol.resolvers import (
    account,
    agents,
    artifact_edits,
    artifact_files,
    artifact_uploads,
    artifacts,
    collection_edits,
    collections,
    files,
    projects,
    runs,
    schedulers,
    sweeps,
)
from server.refusal import RefusalError

NOUNS = (
    *(account, projects, sweeps, agents, schedulers, runs, files),
    *(artifacts, artifact_uploads, artifact_files, artifact_edits, collections, collection_edits),
)
Kind = TypeVar("Kind")
SDL = ("schema.graphql", "artifacts.graphql")


@cache
def load_schema() -> GraphQLSchema:
    """Builds the schema, once: it is the same for all that is served in this process.

    Raises:
        LookupError: a resolver is for a field that the SDL does not have.
    """
    schema = build_schema("\n".join(Path(__file__).with_name(name).read_text() for name in SDL))
    for noun in NOUNS:
        for type_name, fields in noun.FIELDS.items():
            for field_name, resolver in fields.items():
                _named(schema, type_name, GraphQLObjectType).fields[field_name].resolve = resolver
    _named(schema, "ArtifactCollection", GraphQLInterfaceType).resolve_type = collections.kind_of
    _named(schema, "ArtifactCreator", GraphQLUnionType).resolve_type = artifacts.kind_of_creator
    _named(schema, "JSON", GraphQLScalarType).coerce_output_value = strict
    _named(schema, "JSONString", GraphQLScalarType).coerce_input_value = _json_text
    for whole in ("Int64", "Duration"):
        _named(schema, whole, GraphQLScalarType).coerce_input_value = _int64
    return schema


def _json_text(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusalError(f"a JSONString is a text that holds JSON, not a {type(value).__name__}")
    return value


def _int64(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise RefusalError(f"{str(value)[:80]!r} is no whole number of 64 bits")
    return value


def _named(schema: GraphQLSchema, name: str, kind: type[Kind]) -> Kind:
    found = schema.type_map[name]
    if not isinstance(found, kind):
        raise LookupError(f"{name} is no {kind.__name__} of the SDL")
    return found
