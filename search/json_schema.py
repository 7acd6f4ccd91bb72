"""The keys of a sweep file and their types as a JSON Schema, for editors; `search.config.check` knows more."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from search.schema import SweepConfig


class _ForEditors(GenerateJsonSchema):
    """Pydantic's own, with two differences."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Without null: a key is given a value or left out."""
        return self.generate_inner(schema["schema"])

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Any of them, not one of them: `min` and `max` alone fit several distributions."""
        return {"anyOf": super().tagged_union_schema(schema)["oneOf"]}


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema, draft 2020-12."""
    schema = SweepConfig.model_json_schema(schema_generator=_ForEditors)
    return {"$schema": _ForEditors.schema_dialect, **_bare(schema), "title": "W&B sweep"}


def _bare(schema: Any) -> Any:
    """Leaves out what editors would show and nobody needs: titles made from names, defaults that are no plain value."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _bare(value) for key, value in schema.items() if not _is_noise(key, value)}


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and isinstance(value, dict | None))
