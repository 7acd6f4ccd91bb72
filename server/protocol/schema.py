"""The executable schema: the SDL beside this file, in two parts, its fields bound to the resolvers."""

from pathlib import Path
from typing import Any

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
SDL = ("schema.graphql", "artifacts.graphql")


def load_schema() -> GraphQLSchema:
    """Builds the schema.

    Raises:
        LookupError: a resolver is for a field that the SDL does not have.
    """
    schema = build_schema("\n".join(Path(__file__).with_name(name).read_text() for name in SDL))
    for noun in NOUNS:
        for type_name, fields in noun.FIELDS.items():
            for field_name, resolver in fields.items():
                _type(schema, type_name).fields[field_name].resolve = resolver
    for abstract, kind in (("ArtifactCollection", collections.kind_of), ("ArtifactCreator", artifacts.kind_of_creator)):
        _abstract(schema, abstract).resolve_type = kind
    _scalar(schema, "JSON").coerce_output_value = strict
    _scalar(schema, "JSONString").coerce_input_value = _json_text
    _scalar(schema, "Int64").coerce_input_value = _int64
    return schema


def _json_text(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusalError(f"a JSONString is a text that holds JSON, not a {type(value).__name__}")
    return value


def _int64(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise RefusalError(f"{str(value)[:80]!r} is no whole number of 64 bits")
    return value


def _scalar(schema: GraphQLSchema, name: str) -> GraphQLScalarType:
    found = schema.type_map[name]
    if not isinstance(found, GraphQLScalarType):
        raise LookupError(f"{name} is no scalar of the SDL")
    return found


def _abstract(schema: GraphQLSchema, name: str) -> GraphQLInterfaceType | GraphQLUnionType:
    found = schema.type_map[name]
    if not isinstance(found, GraphQLInterfaceType | GraphQLUnionType):
        raise LookupError(f"{name} is no interface or union of the SDL")
    return found


def _type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise LookupError(f"{name} is no object type of the SDL")
    return found
