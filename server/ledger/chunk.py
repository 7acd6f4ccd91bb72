"""One request of a run's file stream, in the ledger's own form."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

# So many lines of a stream are stored at once: some 30 ms, in which others wait.
SLICE: Final = 1_000


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of one stream; `offset` is the number of the first, counted from 0."""

    offset: int
    rows: list[str]

    def part(self, first: int) -> "Lines | None":
        """The slice that begins with the line of this place; None behind the end."""
        rows = self.rows[first : first + SLICE]
        return Lines(self.offset + first, rows) if rows else None


@dataclass(frozen=True)
class Chunk:
    """One request of a run's file stream.

    Attributes:
        writer: as the client calls itself that writes the run together with others; None: it writes alone.
        steps: `_step` of each history row, None where it has none; as long as `history.rows`.
        summary: the whole summary as JSON, replacing the one before.
        exit_code: of the script, when this is the run's end; else None.
    """

    writer: str | None = None
    history: Lines | None = None
    steps: tuple[int | None, ...] = ()
    events: Lines | None = None
    logs: tuple[Lines, ...] = ()
    summary: str | None = None
    preempting: bool = False
    exit_code: int | None = None

    def slices(self) -> "Iterator[Chunk]":
        """The same in parts that are stored quickly, as if its client had sent each by itself; the end comes last."""
        lines = [each for each in (self.history, self.events, *self.logs) if each]
        *firsts, last = range(0, max([1, *(len(each.rows) for each in lines)]), SLICE)
        if not firsts:
            yield self
            return
        for first in firsts:
            yield replace(self._slice(first), summary=None, preempting=False, exit_code=None)
        yield self._slice(last)

    def _slice(self, first: int) -> "Chunk":
        return replace(
            self,
            history=self.history and self.history.part(first),
            steps=self.steps[first : first + SLICE],
            events=self.events and self.events.part(first),
            logs=tuple(part for each in self.logs if (part := each.part(first))),
        )
