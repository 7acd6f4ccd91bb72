"""What is amiss in the filters of an address: texts that can be no value of what they are asked of."""

from collections.abc import Iterator

from search.space import Categorical, WeightedCategorical
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, WHERE_PREFIX
from server.pages.sweep.view import SweepView
from server.pages.table.conditions import holds, is_number, nearest, range_of
from server.pages.table.wrong import no_number, wrong_of_field


def wrong(view: SweepView) -> list[str]:
    """A sentence for each such text, with what is allowed and what is near; [] where all is well."""
    return list(dict.fromkeys(said for field, text in view.query.filters for said in _wrong(view, field, text)))


def _wrong(view: SweepView, field: str, text: str) -> Iterator[str]:
    if field == METRIC_FILTER:
        if not is_number(text):
            yield no_number(view.sweep.metric_name or "The metric", text)
    elif field.startswith(WHERE_PREFIX):
        name = field.removeprefix(WHERE_PREFIX)
        place = view.query.asked.index(name)
        yield from wrong_of_field(name, text, [row[place] for row in view.asked_values.values()])
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
        yield no_number(name, text)
