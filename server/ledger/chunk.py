"""One request of a run's file stream, in the ledger's own form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of one stream; `offset` is the number of the first, counted from 0."""

    offset: int
    rows: list[str]


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
