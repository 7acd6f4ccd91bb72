"""Moments as a page shows them: short in the text, whole in the title."""

from dataclasses import dataclass
from datetime import datetime

from charts import format


@dataclass(frozen=True)
class Moment:
    """`text` as "25 m ago", `full` with its zone, `iso` for machines, `clock` as "14:38"."""

    text: str
    full: str
    iso: str
    clock: str


@dataclass(frozen=True)
class Now:
    """The moment a page is made, in UTC seconds; times are written in the zone of the server."""

    now_s: float

    def moment(self, at_s: float) -> Moment:
        at = _local(at_s)
        return Moment(
            format.moment(at, _local(self.now_s)),
            format.full_time(at),
            at.isoformat(timespec="seconds"),
            format.clock(at),
        )

    def past(self, at_s: float | None) -> Moment | None:
        return None if at_s is None else self.moment(at_s)


def _local(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s).astimezone()
