"""A sweep's page as its parts see it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from charts.letter import LETTERS
from charts.scale import Scale, drawable, metric_scale
from server.pages.sweep.chosen import Selection, everything, result_of, select
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import STATE_FILTERS, TableQuery
from server.pages.table import fields
from server.pages.table.groups import Group, grouped
from server.pages.words.standing import Standing
from server.store import page_queries, queries, run_queries, sweep_queries, table_queries
from server.store.page_queries import Attempt
from server.store.rows import Run
from server.store.sweep_queries import Point
from server.store.table_queries import Brief, Of, Order
from terms import states

# So many of the latest runs tell which fields runs have.
RUNS_LOOKED_AT: Final = 30


@dataclass(frozen=True, eq=False)
class SweepView(Standing):
    """How a sweep stands, and what the address asks to see of it."""

    query: TableQuery

    @property
    def of(self) -> Of:
        """Whose runs are seen."""
        return Of(sweep_id=self.sweep.id)

    @cached_property
    def briefs(self) -> tuple[Brief, ...]:
        """All runs, as filters see them."""
        return table_queries.briefs_of_sweep(self.connection, self.sweep.id)

    @cached_property
    def groups(self) -> list[Group]:
        """The chosen runs by what the address groups them by, that of the best mean first; [] for no groups."""
        if not self.query.by:
            return []
        keys = table_queries.values(self.connection, self.of, self.query.by)
        results = {each.run: result_of(each) for each in self.briefs if self.selection.has(each.run)}
        return grouped(keys, results, self.sweep.goal == "maximize")

    @cached_property
    def lettered(self) -> dict[str, Attempt]:
        """The runs that the address chooses by their letters, as far as they are the sweep's."""
        names, order, every = self.query.runs, Order("run", True), STATE_FILTERS["all"]
        if not names:
            return {}
        found = table_queries.attempts(self.connection, self.of, order, every, len(names), 0, names=names)
        return dict(zip(LETTERS, sorted(found, key=lambda each: names.index(each.run.name)), strict=False))

    @cached_property
    def letters(self) -> dict[str, str]:
        """Those of the chosen runs, by W&B's ids, in order."""
        return {each.run.name: letter for letter, each in self.lettered.items()}

    @cached_property
    def display_names(self) -> dict[str, str]:
        """What people call each run, by W&B's id."""
        names = table_queries.values(self.connection, self.of, ["name"])
        return {run: str(name) for run, (name,) in names.items()}

    @cached_property
    def asked_values(self) -> dict[str, tuple[Any, ...]]:
        """What each run has of the fields that are asked about, by W&B's id."""
        return table_queries.values(self.connection, self.of, self.query.asked)

    @cached_property
    def sent_names(self) -> list[str]:
        """The fields that its latest runs have sent, without those that are its parameters."""
        parameters = {f"config.{'.'.join(path)}" for path in searched(self.sweep.config)}
        found = fields.sent_names(table_queries.last_sent(self.connection, self.of, RUNS_LOOKED_AT))
        return [name for name in found if name not in parameters]

    @cached_property
    def selection(self) -> Selection:
        """The runs that are chosen."""
        if self.query.filtered:
            return select(self.briefs, self.sweep, self.query, self.asked_values)
        return everything(queries.run_count_of_sweep(self.connection, self.sweep.id))

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The settled points."""
        return sweep_queries.points(self.connection, self.sweep.id)

    @cached_property
    def best(self) -> Attempt | None:
        """The best of the chosen runs with its point; None if none of them has a value."""
        run = self.best_of_all if self.selection.runs is None else self._named(self.selection.best)
        return None if run is None else page_queries.attempt(self.connection, run)

    @cached_property
    def axis(self) -> Scale | None:
        """Of the metric, in all charts of the page; None without a result."""
        values = [value for value in run_queries.metrics(self.connection, self.sweep.id) if drawable(value)]
        return metric_scale(values, self.sweep.goal, self.query.whole) if values else None

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.sweep.state in states.SWEEP_OVER and not (self.progress.running or self.alive)

    def _named(self, name: str | None) -> Run | None:
        return queries.run_of_sweep(self.connection, self.sweep.id, name) if name else None
