"""One trial again, recorded in a file and nowhere else: `python -m app.commands.rerun FILE '{"layer1_size": 64}'`.

W&B is off. Its stand-in for a run is the global one too, so that W&B's callbacks work as they did.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app import train
from app.commands import compare
from app.training import reproduce
from terms.record import PROVENANCE


class History:
    """Puts what is logged into rows as W&B does: a row ends with the call that commits it, or with the next step."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = [{}]
        self._step: int | None = None

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        if step is not None and step != self._step:
            self._rows.append({})
            self._step = step
        self._rows[-1].update(data)
        if commit or (commit is None and step is None):
            self._rows.append({})

    @property
    def rows(self) -> list[compare.Row]:
        return compare.rows(self._rows)


def main(arguments: Sequence[str]) -> int:
    """Writes the record, also of a trial that fails, as JSON for `read`.

    Args:
        arguments: the record's file; the trial's values as JSON, beside them `provenance` with the loop that is wanted.
    """
    target, values = arguments
    import wandb

    run = wandb.init(mode="disabled", config=json.loads(values))
    history = History()
    run.log = wandb.log = history.log
    cause = None
    try:
        train.trial(run, [], os.environ)
    except BaseException as error:
        _, cause = train.ending(error)
        print(cause, file=sys.stderr)
    config = dict(run.config)
    provenance = {"code_sha256": reproduce.code_sha256(), **config.pop(PROVENANCE, {})}
    hashed = dict(run.summary).get("weights_sha256")
    Path(target).write_text(json.dumps([config, provenance, history.rows, hashed, cause], default=str))
    return 0 if cause is None else 1


def read(path: Path) -> compare.Record:
    """Reads what `main` has written."""
    return compare.Record(*json.loads(path.read_text()))


if __name__ == "__main__":
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # all that a trial says is progress here
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # taking TensorFlow's modules apart takes longer than a small epoch
