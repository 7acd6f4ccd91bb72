"""The executable schema: the SDL beside this file, its fields bound to the resolvers."""

from pathlib import Path
from typing import Any

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, build_schema

from server.protocol.json_values import strict
from server.protocol.resolvers import account, agents, files, projects, runs, sweeps

NOUNS = (account, projects, sweeps, agents, runs, files)


def load_schema() -> GraphQLSchema:
    """Builds the schema.

    Raises:
        LookupError: a resolver is for a field that the SDL does not have.
    """
    schema = build_schema(Path(__file__).with_name("schema.graphql").read_text())
    for noun in NOUNS:
        for type_name, fields in noun.FIELDS.items():
            for field_name, resolver in fields.items():
                _type(schema, type_name).fields[field_name].resolve = resolver
    raw_json = schema.type_map["JSON"]
    if not isinstance(raw_json, GraphQLScalarType):
        raise LookupError("JSON is no scalar of the SDL")
    raw_json.serialize = _serialize  # type: ignore[method-assign]
    return schema


def _serialize(value: Any) -> Any:
    return strict(value)


def _type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise LookupError(f"{name} is no object type of the SDL")
    return found
