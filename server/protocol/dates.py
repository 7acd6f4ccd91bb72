"""The dates of runs as filters compare them: whatever form a client writes, beside the seconds that are stored."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from server.refusal import RefusalError

# W&B's names, both spellings, and the run's column.
COLUMNS: Final = {
    "created_at": "created_at_s",
    "createdAt": "created_at_s",
    "heartbeat_at": "heartbeat_at_s",
    "heartbeatAt": "heartbeat_at_s",
    "updated_at": "updated_at_s",
    "updatedAt": "updated_at_s",
}


@dataclass(frozen=True)
class Date:
    """A run's moment, in UTC seconds."""

    at_s: float

    def beside(self, operand: Any) -> tuple[float, float]:
        """Both sides in seconds.

        A client reads a run's dates in whole seconds. To one that asks in whole seconds the run's is cut to them too,
        so that what it has read is found again.

        Raises:
            RefusalError: the operand is no date.
        """
        asked_s = seconds(operand)
        return (math.floor(self.at_s) if asked_s % 1 == 0 else self.at_s), asked_s


def seconds(operand: Any) -> float:
    """A moment as a client writes it, in UTC seconds.

    Raises:
        RefusalError: it is none.
    """
    if isinstance(operand, int | float) and not isinstance(operand, bool):
        return operand
    try:
        moment = datetime.fromisoformat(operand)
    except (TypeError, ValueError) as error:
        raise RefusalError(
            f"filters: {operand!r} is no date; allowed: '2026-11-29', '2026-11-29T12:00:00Z' (UTC where no zone is"
            " named), or seconds since 1970"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso(at_s: float | None) -> str | None:
    """UTC seconds as W&B writes moments."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
