"""Values for a trial, from flags or from W&B, checked against the fields of a class: one clear line per mistake."""

import ast
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import ErrorDetails

from terms.record import WRONG_USAGE_EXIT_CODE


class ConfigError(ValueError):
    """Values that a trial does not take.

    Attributes:
        problems: one line each: the value, the nearest right one, what is allowed.
    """

    exit_code = WRONG_USAGE_EXIT_CODE

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)  # what pickle makes it again from

    def __str__(self) -> str:
        return "\n".join(self.problems)


class Values(BaseModel):
    """Base of the class that says what a trial takes."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True, protected_namespaces=()
    )

    # More threads than these make the model's steps no faster; None lets them take all that the trial's share has.
    most_threads: ClassVar[int | None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, field: Any) -> Any:
        # Pydantic takes true for 1; a flag without its value would train for one epoch.
        if isinstance(value, bool) and cls.model_fields[field.field_name].annotation in (int, float):
            raise ValueError("not a number")
        return value

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Returns the values with all defaults filled in.

        Args:
            values: by field name; numbers may come as text, as YAML gives 1e-4.

        Raises:
            ConfigError: with every problem at once.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            schema = cls.model_json_schema()["properties"]
            raise ConfigError(_problem(each, schema) for each in error.errors()) from None

    @classmethod
    def problem(cls, name: str, value: Any) -> str | None:
        """The line that `checked` gives for one value, whatever the others are; None if it is right."""
        try:
            cls.model_validate({name: value})
        except ValidationError as error:
            schema = cls.model_json_schema()["properties"]
            return next((_problem(each, schema) for each in error.errors() if each["loc"][:1] == (name,)), None)
        return None

    @classmethod
    def allowed(cls, name: str) -> str:
        """What a field takes, as in "a whole number, 1 <= epochs <= 100"."""
        return _allowed(name, cls.model_json_schema()["properties"][name])

    @classmethod
    def help(cls) -> str:
        """Returns one line for each flag: its name, default, what is allowed, what it means."""
        schema = cls.model_json_schema()["properties"]
        return "\n".join(_flag_help(name, about) for name, about in schema.items())


def parse_flags(arguments: Sequence[str]) -> dict[str, Any]:
    """Reads `--name=value`, `--name value` and `--name` (true) into typed values.

    Raises:
        ConfigError: for anything that is not a flag.
    """
    values: dict[str, Any] = {}
    waiting = list(arguments)
    while waiting:
        flag, equals, text = waiting.pop(0).partition("=")
        if not flag.startswith("--"):
            raise ConfigError([f"`{flag}` is not a flag. Allowed: --name=value or --name value."])
        if not equals:
            text = waiting.pop(0) if waiting and not waiting[0].startswith("--") else "True"
        values[flag.removeprefix("--")] = _literal(text)
    return values


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return text


def _problem(error: ErrorDetails, schema: Mapping[str, Any]) -> str:
    name, value = ".".join(map(str, error["loc"])), error["input"]
    if error["type"] == "extra_forbidden":
        return f"unknown key `{name}`.{_nearest(name, schema)} Allowed: {', '.join(schema)}."
    if error["type"] == "missing":
        return f"`{name}` is missing. Allowed: {_allowed(name, schema[name])}."
    allowed = _allowed(name, schema.get(name, {}))
    if not name or not allowed:
        return f"{f'`{name}` is {value!r}: ' if name else ''}{error['msg'].removeprefix('Value error, ')}."
    return f"`{name}` is {value!r}.{_nearest(value, schema[name].get('enum', ()))} Allowed: {allowed}."


def _nearest(value: Any, right: Iterable[Any]) -> str:
    matches = difflib.get_close_matches(str(value), map(str, right), n=1)
    return f" Did you mean `{matches[0]}`?" if matches else ""


def _allowed(name: str, about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(map(str, about["enum"]))
    if about.get("type") in ("integer", "number"):
        kind = "a whole number" if about["type"] == "integer" else "a number"
        return f"{kind}{_limits(name, about)}"
    return {"boolean": "true or false", "string": "text"}.get(about.get("type", ""), "")


def _limits(name: str, about: Mapping[str, Any]) -> str:
    low = next((f"{about[key]} {sign} " for key, sign in _LOW.items() if key in about), "")
    high = next((f" {sign} {about[key]}" for key, sign in _HIGH.items() if key in about), "")
    return f", {low}{name}{high}" if low or high else ""


_LOW = {"minimum": "<=", "exclusiveMinimum": "<"}
_HIGH = {"maximum": "<=", "exclusiveMaximum": "<"}


def _flag_help(name: str, about: Mapping[str, Any]) -> str:
    default = f"default {about['default']}" if "default" in about else "required"
    meaning = ". ".join(filter(None, (about.get("description"), _allowed(name, about))))
    return f"  --{name:<20}{meaning} ({default})"
