"""What W&B's client has written down of where a run ran: the machine, the code, the packages."""

from pathlib import Path
from typing import Any, Final

from server.ledger.files import path_of
from server.pages.words.sent import flattened, read_object
from server.store.rows import Run

METADATA: Final = "wandb-metadata.json"
PACKAGES: Final = "requirements.txt"
# Of the first; the rest, as the commit, is told elsewhere, or is of a person.
TOLD: Final = ("os", "python", "cpu_count", "gpu", "gpu_count", "cudaVersion", "codePath", "git")
MOST_BYTES: Final = 1_000_000


def environment(files: Path, run: Run) -> dict[str, Any]:
    """By name; {} for a run that has sent neither file, or whose program did not come so far.

    Args:
        files: where the files of runs lie.
    """
    metadata = read_object(_text(files, run, METADATA))
    told = {".".join(path): value for path, value in flattened({name: metadata.get(name) for name in TOLD})}
    told.pop("git.commit", None)
    lines = (line.strip().partition("==") for line in _text(files, run, PACKAGES).splitlines())
    return {**told, **{f"package {name}": version for name, sign, version in lines if name and sign}}


def _text(files: Path, run: Run, name: str) -> str:
    """A file's text; "" where it is not there, and of one that is no such file."""
    try:
        with path_of(files, run.id, name).open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
