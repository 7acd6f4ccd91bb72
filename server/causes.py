"""Why runs fail: a fixed list of kinds, read off the evidence. Pure.

The evidence is a run's own line (`_cause` in its summary, written by the trainer or its thin parent; else what the
server has seen of its end) and its exit code.
"""

import re
from typing import Final

from terms import record, states

EXCEPTION: Final = "exception"
WRONG_CONFIGURATION: Final = "wrong configuration"
HOST_MEMORY: Final = "out of memory (host)"
GPU_MEMORY: Final = "out of memory (GPU)"
SIGNAL: Final = "signal"
NAN_METRIC: Final = "NaN metric"
DATA_MISSING: Final = "data missing"
NO_SPACE: Final = "no space"
NO_PROGRESS: Final = "no progress"
LOST_HOST: Final = "lost host"
INTERRUPTED: Final = "interrupted"
STOPPED_BY_RULE: Final = "stopped by early termination"
STOPPED_BY_PERSON: Final = "stopped by a person"

KINDS: Final = (
    EXCEPTION,
    WRONG_CONFIGURATION,
    HOST_MEMORY,
    GPU_MEMORY,
    SIGNAL,
    NAN_METRIC,
    DATA_MISSING,
    NO_SPACE,
    NO_PROGRESS,
    LOST_HOST,
    INTERRUPTED,
    STOPPED_BY_RULE,
    STOPPED_BY_PERSON,
)

# The first that is found in a run's line wins.
EVIDENCE: Final = (
    (NO_PROGRESS, f"^{record.NO_PROGRESS}"),
    (LOST_HOST, f"^{record.LOST}:"),
    (INTERRUPTED, rf"^{record.INTERRUPTED}\b"),
    (STOPPED_BY_RULE, f"^{states.STOPPED_EARLY}"),
    (STOPPED_BY_PERSON, r"^stopped by a person"),
    (NAN_METRIC, f"^{record.NAN_METRIC}"),
    (NO_SPACE, r"No space left on device|Disk quota exceeded"),
    (HOST_MEMORY, r"ResourceExhaustedError.*device:CPU"),
    (GPU_MEMORY, r"ResourceExhaustedError|RESOURCE_EXHAUSTED|CUDA_ERROR_OUT_OF_MEMORY|CUDA out of memory"),
    (GPU_MEMORY, r"OOM when allocating|Dst tensor is not initialized"),
    (HOST_MEMORY, r"out of memory|MemoryError|Cannot allocate memory"),
    (SIGNAL, r"^killed by SIG|\(SIG[A-Z]+\)$"),
    (DATA_MISSING, r"^FileNotFoundError"),
)
BY_EXIT_CODE: Final = {
    record.WRONG_USAGE_EXIT_CODE: WRONG_CONFIGURATION,
    record.NO_INPUT_EXIT_CODE: DATA_MISSING,
    **dict.fromkeys(record.INTERRUPTED_EXIT_CODES, INTERRUPTED),
}


def kind_of(cause: str | None, exit_code: int | None) -> str:
    """Classifies a failure.

    Args:
        cause: the run's own line; None if it left none.
        exit_code: of its script; None if it sent no end.
    """
    for kind, pattern in EVIDENCE:
        if cause and re.search(pattern, cause):
            return kind
    if exit_code in BY_EXIT_CODE:
        return BY_EXIT_CODE[exit_code]
    if exit_code is not None and exit_code > 128:
        return SIGNAL
    return EXCEPTION


def sameness(cause: str | None, exit_code: int | None) -> str:
    """What two failures for one cause have in common: their kind, and an exception's name without its details."""
    kind = kind_of(cause, exit_code)
    name = re.match(r"[A-Za-z_][\w.]*(?=:)", cause or "")
    return f"{kind}: {name[0]}" if kind == EXCEPTION and name else kind
