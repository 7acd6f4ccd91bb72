"""The JSON Schema of sweep files: as committed for editors, and true to what `parse` reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from search.json_schema import json_schema
from search.schema import PARAMETER_KINDS, SweepConfig

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "sweep.schema.json"


def test_the_file_for_editors_is_what_the_command_prints() -> None:
    assert json.loads(FILE.read_text()) == json_schema(), "python -m app schema > docs/sweep.schema.json"


def test_every_key_of_a_sweep_file_is_in_it() -> None:
    keys = [field.alias or name for name, field in SweepConfig.model_fields.items()]

    assert list(json_schema()["properties"]) == keys
    assert json_schema()["required"] == ["method"]


def test_every_distribution_is_in_it_with_its_keys() -> None:
    schema = json_schema()
    definitions = [
        each["$ref"].split("/")[-1] for each in schema["properties"]["parameters"]["additionalProperties"]["anyOf"]
    ]

    keys = [list(schema["$defs"][name]["properties"]) for name in definitions]

    assert keys == [list(model.model_fields) for model in PARAMETER_KINDS.values()]


def test_every_key_has_a_type_except_the_values_themselves() -> None:
    untyped = {key for name, schema in places(json_schema()) for key, about in schema.items() if not about}

    assert untyped == {"value"}


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda path: path.name)
def test_every_sweep_of_this_project_names_the_file(path: Path) -> None:
    (line,) = [line for line in path.read_text().splitlines() if line.startswith("# yaml-language-server: $schema=")]

    assert (path.parent / line.partition("=")[2]).resolve() == FILE
    assert yaml.safe_load(path.read_text()).keys() <= json_schema()["properties"].keys()


def places(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each mapping's name and the schemas of its keys."""
    return [("sweep", schema["properties"]), *((name, each["properties"]) for name, each in schema["$defs"].items())]
