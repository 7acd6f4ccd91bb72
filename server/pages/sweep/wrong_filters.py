"""What is amiss in the filters of an address: texts that can be no value of what they are asked of."""

from collections.abc import Iterator

from search.space import Categorical, WeightedCategorical
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, WHERE_PREFIX
from server.pages.sweep.view import SweepView
from server.pages.table import fields
from server.pages.table.conditions import PART, holds, is_number, nearest, only_numbers, range_of, span_of


def wrong(view: SweepView) -> list[str]:
    """A sentence for each such text, with what is allowed and what is near; [] where all is well."""
    return [said for field, text in view.query.filters for said in _wrong(view, field, text)]


def _wrong(view: SweepView, field: str, text: str) -> Iterator[str]:
    if field == METRIC_FILTER:
        if not is_number(text):
            yield _no_number(view.sweep.metric_name or "The metric", text)
    elif field.startswith(WHERE_PREFIX):
        yield from _of_field(view, field.removeprefix(WHERE_PREFIX), text)
    else:
        yield from _of_parameter(view, field.removeprefix(FILTER_PREFIX), text)


def _of_parameter(view: SweepView, name: str, text: str) -> Iterator[str]:
    known = {".".join(path): parameter for path, parameter in searched(view.sweep.config).items()}
    parameter = known.get(name)
    if parameter is None:
        # A parameter that the sweep holds fixed can be asked about too.
        if f"config.{name}" not in view.sent_names:
            yield f"This sweep has no parameter {name}: it varies {nearest(name, known)}"
    elif isinstance(parameter, Categorical | WeightedCategorical):
        if range_of(text) is None and not any(holds(text, value) for value in parameter.values):
            yield f"{name} is never {text}: it is {nearest(text, parameter.values)}"
    elif not is_number(text):
        yield _no_number(name, text)


def _of_field(view: SweepView, name: str, text: str) -> Iterator[str]:
    title = fields.title(name, view.sweep.metric_name)
    if name in fields.MOMENTS:
        if span_of(text) is None:
            yield f"{title} takes a day or a range of days, as 2026-11-29 or 2026-11-01..2026-11-29, not {text}."
        return
    place = view.query.asked.index(name)
    values = [row[place] for row in view.asked_values.values() if row[place] is not None]
    if not values:
        yield f"No run has a value of {title}."
    elif only_numbers(values):
        if not is_number(text):
            yield _no_number(title, text)
    elif range_of(text) is None and not any(holds(text, value) for value in values):
        flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
        yield f"No run has {text} as {title}: there is {nearest(text.removeprefix(PART), flat)}"


def _no_number(name: str, text: str) -> str:
    return f"{name} is a number: it takes one, as 0.1, or a range, as 0.1..0.3, 0.1.. or ..0.3, not {text}."
