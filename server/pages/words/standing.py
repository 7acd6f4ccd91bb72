"""How a sweep stands at one moment, as its row in the list and its own page tell it."""

import sqlite3
from dataclasses import dataclass
from functools import cached_property

from charts import format
from server.pages.words.addresses import sweep_url
from server.pages.words.times import Now
from server.store import page_queries, queries
from server.store.queries import Progress
from server.store.rows import Project, Run, Sweep


@dataclass(frozen=True, eq=False)
class Standing:
    """A sweep in one read of the store: each fact is read when it is asked for first, and once.

    Attributes:
        silent_s: an agent that was not heard of for so long is taken for gone.
    """

    connection: sqlite3.Connection
    project: Project
    sweep: Sweep
    silent_s: float
    now: Now

    @property
    def path(self) -> str:
        return sweep_url(self.project, self.sweep)

    @property
    def heard_since_s(self) -> float:
        """An agent that is there was heard of since."""
        return self.now.now_s - self.silent_s

    @cached_property
    def progress(self) -> Progress:
        return queries.progress(self.connection, self.sweep)

    @cached_property
    def alive(self) -> int:
        """Agents that are there."""
        return page_queries.alive_agents(self.connection, self.heard_since_s, self.sweep.id)

    @cached_property
    def first_start_s(self) -> float | None:
        return page_queries.first_start_s(self.connection, self.sweep.id)

    @cached_property
    def best_of_all(self) -> Run | None:
        return queries.best_run(self.connection, self.sweep)

    @cached_property
    def best_values(self) -> list[float]:
        """The best two different values of the metric, best first; fewer where there are fewer."""
        return page_queries.best_values(self.connection, self.sweep)

    @cached_property
    def decimals(self) -> int:
        """How many tell the metric's values apart."""
        return format.metric_decimals(self.best_values)
