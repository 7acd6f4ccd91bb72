"""The searched parameters of a run, in texts that are short enough to stand side by side."""

from typing import Final

from server.pages.sweep.search_space import searched
from server.pages.words.sent import at, config_values, read_object, written
from server.store.page_queries import Attempt
from server.store.rows import Sweep

# A random value of 17 digits would push the others out of sight; the run's page has all of them.
PARAMETER_DIGITS: Final = 5


def recipe(attempt: Attempt, sweep: Sweep) -> list[tuple[str, str]]:
    """The parameters by name, in the order of the file."""
    values = parameters(attempt)
    return [(".".join(path), written(at(values, path), PARAMETER_DIGITS)) for path in searched(sweep.config)]


def parameters(attempt: Attempt) -> dict[str, object]:
    """The values of a run's point; of a run without a point, those of its config."""
    return read_object(attempt.params) or config_values(attempt.run.config)
