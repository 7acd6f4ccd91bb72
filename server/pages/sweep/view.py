"""A sweep's page as its parts see it."""

from dataclasses import dataclass
from functools import cached_property

from server.pages.sweep.chosen import Selection, everything, select
from server.pages.sweep.table_query import TableQuery
from server.pages.words.standing import Standing
from server.store import page_queries, queries, sweep_queries
from server.store.page_queries import Attempt
from server.store.rows import Run
from terms import states


@dataclass(frozen=True, eq=False)
class SweepView(Standing):
    """How a sweep stands, and what the address asks to see of it."""

    query: TableQuery

    @cached_property
    def selection(self) -> Selection:
        """The runs that are chosen."""
        if self.query.filtered:
            return select(sweep_queries.briefs(self.connection, self.sweep.id), self.sweep, self.query)
        return everything(queries.run_count_of_sweep(self.connection, self.sweep.id))

    @cached_property
    def best(self) -> Attempt | None:
        """The best of the chosen runs with its point; None if none of them has a value."""
        run = self.best_of_all if self.selection.runs is None else self._named(self.selection.best)
        return None if run is None else page_queries.attempt(self.connection, run)

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.sweep.state in states.SWEEP_OVER and not (self.progress.running or self.alive)

    def _named(self, name: str | None) -> Run | None:
        return queries.run_of_sweep(self.connection, self.sweep.id, name) if name else None
