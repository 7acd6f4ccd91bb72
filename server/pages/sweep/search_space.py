"""A sweep's config as its page needs it: what is searched, in the order of the file, and where runs are compared."""

from collections.abc import Mapping
from typing import Any, Final

from search.early_termination import brackets
from search.schema import Metric
from search.space import Parameter
from server.pages.words.kept_config import parsed
from server.pages.words.sent import Path

# So close to the ends of the unit interval a parameter has the values at its own ends.
EDGE: Final = 1e-12


def searched(config: str) -> Mapping[Path, Parameter]:
    """The parameters that a sweep varies, by path."""
    known = parsed(config)
    return known.searched if known else {}


def ends(parameter: Parameter) -> tuple[float, float] | None:
    """The least and the largest value of a range; None for what has no such ends, or none that the file names."""
    if not hasattr(parameter, "min"):
        return None
    return parameter.at(EDGE), parameter.at(1 - EDGE)


def metrics(config: str) -> tuple[Metric, ...]:
    """What a sweep optimises, the metric that its runs are sorted by first."""
    known = parsed(config)
    return known.objectives if known else ()


def spaceless(config: str) -> dict[str, Any] | None:
    """The file of a sweep that names a function in place of parameters; None for any other."""
    known = parsed(config)
    return known.raw if known and known.scheduler and known.scheduler.search_space and not known.parameters else None


def file_of(config: str) -> dict[str, Any]:
    """The sweep file as it was read; {} for what cannot be."""
    known = parsed(config)
    return known.raw if known else {}


def rungs(config: str) -> tuple[int, ...]:
    """Where early termination compares runs; () without it."""
    known = parsed(config)
    return brackets(known) if known else ()
