"""The JSON Schema of sweep files: as committed for editors, and true to what `parse` reads."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from search.config import check
from search.json_schema import json_schema
from search.schema import PARAMETER_KINDS, SweepConfig
from tests.search.test_valid_sweeps import IN_A_GRID, LOSS, OFTEN_MEANT_OTHERWISE, PARAMETERS, SWEEPS

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


VALID = [
    *SWEEPS,
    *OFTEN_MEANT_OTHERWISE,
    *(f"method: random\nrun_cap: 9\n{LOSS}parameters: {{p: {spec}}}\n" for spec in PARAMETERS),
    *(f"method: grid\nparameters: {{p: {spec}}}\n" for spec in IN_A_GRID),
    *(path.read_text() for path in sorted((ROOT / "sweeps").glob("*.yaml"))),
]
WRONG = {
    "parameters: {p: {value: 1}}": [],  # no method
    "method: gird": ["method"],
    "metod: grid\nmethod: grid": [],
    "method: grid\nrun_cap: 0": ["run_cap"],
    "method: grid\nrun_cap: 2.5": ["run_cap"],
    "method: grid\nname: 7": ["name"],
    "method: grid\nmetric: loss": ["metric"],
    "method: grid\nmetric: {name: loss, goal: minimise}": ["metric", "goal"],
    "method: grid\nmetrics: [{name: loss}]": ["metrics"],
    "method: grid\nearly_terminate: {min_iter: 3}": ["early_terminate"],
    "method: grid\nearly_terminate: {type: hyperband, eta: 1}": ["early_terminate", "eta"],
    "method: grid\nparameters: {}": ["parameters"],
    "method: grid\nparameters: {p: 1}": ["parameters", "p"],
    "method: grid\nparameters: {p: {values: 1}}": ["parameters", "p"],
    "method: grid\nparameters: {p: {values: []}}": ["parameters", "p"],
    "method: random\nparameters: {p: {min: 1, mux: 2}}": ["parameters", "p"],
    "method: random\nparameters: {p: {min: 1e-4, max: 1}}": ["parameters", "p"],  # YAML's text
    "method: random\nparameters: {p: {distribution: unifrom, min: 0, max: 1}}": ["parameters", "p"],
    "method: random\nparameters: {p: {distribution: normal, sigma: -1}}": ["parameters", "p"],
    "method: grid\nx-sweep: {retries: -1}": ["x-sweep", "retries"],
}


@functools.cache
def validator() -> Draft202012Validator:
    schema = json.loads(FILE.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("text", VALID)
def test_editors_find_nothing_wrong_in_a_valid_sweep(text: str) -> None:
    assert list(validator().iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize("text", WRONG)
def test_editors_mark_the_key_of_a_mistake_that_one_key_shows(text: str) -> None:
    marked = [list(error.absolute_path) for error in validator().iter_errors(yaml.safe_load(text))]

    assert marked == [WRONG[text]]
    assert check(text).mistakes


def places(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each mapping's name and the schemas of its keys."""
    return [("sweep", schema["properties"]), *((name, each["properties"]) for name, each in schema["$defs"].items())]
