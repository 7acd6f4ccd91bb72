"""A project's runs as the parts of its page see them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from charts.letter import LETTERS
from server.pages.sweeps.runs_query import RunsQuery
from server.pages.table import fields
from server.pages.table.conditions import any_of
from server.pages.table.groups import Group, grouped
from server.pages.words.addresses import project_url
from server.pages.words.times import Now
from server.run_values import number
from server.store import table_queries
from server.store.page_queries import Attempt
from server.store.rows import Project, Run
from server.store.table_queries import Of, Order
from terms import states

PER_PAGE: Final = 50
RUNS_LOOKED_AT: Final = 30
# Of the fields that programs send, so many stand in the table unasked.
USUAL_CONFIG: Final = 3
USUAL_SUMMARY: Final = 5
# Runs of no sweep do not say which way is better; of these, less is.
LESS_IS_BETTER: Final = ("loss", "error", "mse", "mae", "perplexity")
ANY_STATE: Final = (*states.RUN_STATES, states.STOPPED_EARLY)


@dataclass(frozen=True, eq=False)
class RunsView:
    """A project's runs in one read of the store, and what the address asks to see of them."""

    connection: sqlite3.Connection
    project: Project
    query: RunsQuery
    now: Now

    @property
    def path(self) -> str:
        return project_url(self.project)

    @property
    def of(self) -> Of:
        return Of(project_id=self.project.id, of_no_sweep=not self.query.every)

    @cached_property
    def total(self) -> int:
        return table_queries.count(self.connection, self.of)

    @cached_property
    def sent_names(self) -> tuple[str, ...]:
        return fields.sent_names(table_queries.last_sent(self.connection, self.of, RUNS_LOOKED_AT))

    @cached_property
    def asked_values(self) -> dict[str, tuple[Any, ...]]:
        return table_queries.values(self.connection, self.of, self.query.asked)

    @cached_property
    def chosen(self) -> list[str] | None:
        """W&B's ids of the runs that pass the filters; None for all."""
        if not self.query.filters:
            return None
        tests = [any_of(self.query.texts(name), name in fields.MOMENTS) for name in self.query.asked]
        rows = self.asked_values.items()
        return [run for run, row in rows if all(test(value) for test, value in zip(tests, row, strict=True))]

    @cached_property
    def count(self) -> int:
        return self.total if self.chosen is None else len(self.chosen)

    @cached_property
    def order(self) -> Order:
        field = self.query.sort or "run"
        usual = field in ("run", "created")
        return Order(field, usual if self.query.descending is None else self.query.descending)

    @cached_property
    def attempts(self) -> list[Attempt]:
        offset = (self.query.number - 1) * PER_PAGE
        return table_queries.attempts(
            self.connection, self.of, self.order, ANY_STATE, PER_PAGE, offset, names=self.chosen
        )

    def named(self, names: Sequence[str]) -> list[Run]:
        """The runs of these ids of W&B's."""
        found = table_queries.attempts(self.connection, self.of, self.order, ANY_STATE, len(names), 0, names=names)
        return [each.run for each in found]

    @cached_property
    def lettered(self) -> dict[str, Attempt]:
        """The chosen runs by their letters, as far as they are there."""
        names = self.query.runs
        found = (
            table_queries.attempts(self.connection, self.of, self.order, ANY_STATE, len(names), 0, names=names)
            if names
            else []
        )
        return dict(zip(LETTERS, sorted(found, key=lambda each: names.index(each.run.name)), strict=False))

    @cached_property
    def letters(self) -> dict[str, str]:
        """By W&B's ids, in order."""
        return {each.run.name: letter for letter, each in self.lettered.items()}

    @cached_property
    def display_names(self) -> dict[str, str]:
        """What people call each run, by W&B's id."""
        names = table_queries.values(self.connection, self.of, ["name"])
        return {run: str(name) for run, (name,) in names.items()}

    @property
    def metric(self) -> str | None:
        """The field of which groups have a mean; None where there is none."""
        usual = (name for name in self.usual if name.startswith("summary."))
        return self.query.of or next(usual, None)

    @property
    def maximize(self) -> bool:
        """Whether more is better of the metric of groups."""
        return not any(word in (self.metric or "").lower() for word in LESS_IS_BETTER)

    @cached_property
    def groups(self) -> list[Group]:
        """The chosen runs by what the address groups them by, that of the best mean first; [] for no groups."""
        if not self.query.by or self.metric is None:
            return []
        rows = table_queries.values(self.connection, self.of, [self.metric, *self.query.by])
        chosen = rows if self.chosen is None else dict.fromkeys(self.chosen)
        results = {run: number(rows[run][0]) for run in chosen}
        return grouped({run: row[1:] for run, row in rows.items()}, results, self.maximize)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The fields of the columns, beside the name."""
        return tuple(name for name in self.query.columns or self.usual if name != "run")

    @cached_property
    def usual(self) -> tuple[str, ...]:
        config = [name for name in self.sent_names if name.startswith("config.")][:USUAL_CONFIG]
        summary = [name for name in self.sent_names if name.startswith("summary.")]
        # What was measured on data that the training has not seen says most.
        summary.sort(key=lambda name: not name.rpartition("/")[2].removeprefix("summary.").startswith("val"))
        return (
            "state",
            *(("sweep",) if self.query.every else ()),
            *config,
            *summary[:USUAL_SUMMARY],
            "time",
            "created",
        )
