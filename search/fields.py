"""The kinds of values that a sweep file's keys take; each says in one sentence what is wrong with another value.

A validator's text goes on where the key's name stops: "is 0: it must be above 0."
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
)

from search.wording import not_a_number, shown

LARGEST = 1e100  # leaves room for every product and quotient below in a float
LARGEST_EXPONENT = 230  # e**230 is about LARGEST
LARGEST_WHOLE = 2**53  # beyond, floats and readers of JSON lose whole numbers


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(not_a_number(value))
    if not abs(value) <= LARGEST:  # NaN ends here too
        raise ValueError(f"is {shown(value)}: a number between -{LARGEST:g} and {LARGEST:g} is due.")
    return value


def _exponent(value: object) -> int | float:
    number = _number(value)
    if abs(number) > LARGEST_EXPONENT:
        raise ValueError(
            f"is {shown(number)}: this distribution takes exponents of e, between -{LARGEST_EXPONENT} and"
            f" {LARGEST_EXPONENT}; its `_values` sister takes the limits themselves."
        )
    return number


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"is {shown(value)}: a whole number is due for int_uniform.")
    if abs(value) > LARGEST_WHOLE:
        raise ValueError(f"is {shown(value)}: a whole number between -2**53 and 2**53 is due.")
    return value


def _above_min(value: float, info: ValidationInfo) -> float:
    lower = info.data.get("min")
    if lower is not None and value <= lower:
        raise ValueError(f"is {shown(value)}: it must be above `min`, which is {shown(lower)}.")
    return value


def _above_zero(value: float) -> float:
    if value < 1 / LARGEST:
        raise ValueError(f"is {shown(value)}: it must be above 0, by {1 / LARGEST:g} at least.")
    return value


def _not_below_zero(value: float) -> float:
    if value < 0:
        raise ValueError(f"is {shown(value)}: it must not be below 0.")
    return value


def _within_exponents(sigma: float, info: ValidationInfo) -> float:
    reach = abs(info.data.get("mu", 0)) + 9 * sigma  # the float next to 1 lies 8.3 sigma out
    if reach > LARGEST_EXPONENT:
        raise ValueError(f"is {shown(sigma)}: e to the power of |mu| + 9 sigma = {reach:g} is beyond {LARGEST:g}.")
    return sigma


def _resolves(q: float, info: ValidationInfo) -> float:
    lower, upper = info.data.get("min"), info.data.get("max")
    if lower is not None and upper is not None and (lower + q == lower or (upper - lower) / q > LARGEST_WHOLE):
        raise ValueError(f"is {shown(q)}: too small a step between {shown(lower)} and {shown(upper)}.")
    return q


def _one_for_each_value(probabilities: list[float], info: ValidationInfo) -> list[float]:
    count = len(info.data.get("values", probabilities))
    if len(probabilities) != count:
        raise ValueError(
            f"has the length {len(probabilities)}, and `values` has {count}: one probability for each value."
        )
    if not math.isclose(sum(probabilities), 1, abs_tol=1e-5):  # W&B's tolerance
        raise ValueError(f"sums to {sum(probabilities):.6g}: it must sum to 1.")
    return probabilities


def _count(value: object) -> int:
    number = _number(value)
    if number != int(number) or not 1 <= number <= LARGEST_WHOLE:
        raise ValueError(f"is {shown(value)}: a whole number from 1 to 2**53 is due.")
    return int(number)


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_WHOLE:
        raise ValueError(f"is {shown(value)}: a whole number between -2**53 and 2**53 is due.")
    return value


def _count_from_zero(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_WHOLE:
        raise ValueError(f"is {shown(value)}: a whole number from 0 to 2**53 is due.")
    return value


def _above_one(value: float) -> float:
    if value <= 1:
        raise ValueError(f"is {shown(value)}: it must be above 1.")
    return value


def _word(value: object) -> str | int | float:
    """One of a command, which the client turns into text."""
    if not isinstance(value, str | int | float):
        raise ValueError(f"is {shown(value)}: text or a number is due.")
    return value


def _parameter_name(name: str) -> str:
    if not (name and name.isprintable()):
        raise ValueError("is no name for a parameter: at least one character is due, each of which can be printed.")
    return name


Number = Annotated[int | float, PlainValidator(_number, json_schema_input_type=float)]
Exponent = Annotated[int | float, PlainValidator(_exponent, json_schema_input_type=float)]
Whole = Annotated[int, PlainValidator(_whole, json_schema_input_type=int)]
Count = Annotated[int, PlainValidator(_count, json_schema_input_type=PositiveInt)]
CountFromZero = Annotated[int, PlainValidator(_count_from_zero, json_schema_input_type=NonNegativeInt)]
Seed = Annotated[int, PlainValidator(_seed, json_schema_input_type=int)]
Positive = Annotated[
    int | float, PlainValidator(_number, json_schema_input_type=PositiveFloat), AfterValidator(_above_zero)
]
NotNegative = Annotated[
    int | float, PlainValidator(_number, json_schema_input_type=NonNegativeFloat), AfterValidator(_not_below_zero)
]
AboveOne = Annotated[
    int | float,
    PlainValidator(_number, json_schema_input_type=Annotated[float, Field(gt=1)]),
    AfterValidator(_above_one),
]
Word = Annotated[str | int | float, PlainValidator(_word, json_schema_input_type=str | float | bool)]
Values = Annotated[list[Any], Field(min_length=1)]
ParameterName = Annotated[str, AfterValidator(_parameter_name)]

# These compare with keys that stand before them in the same mapping.
AboveMin = AfterValidator(_above_min)
Resolving = AfterValidator(_resolves)
WithinExponents = AfterValidator(_within_exponents)
OneForEachValue = AfterValidator(_one_for_each_value)
