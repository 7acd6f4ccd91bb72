"""How a trial ends, in its own words, kept in a file until W&B's client has told them; else its thin parent does.

W&B's service is a process beside the trial, and a signal to everybody ends it first. Standard library only: every
trial's thin parent pays for it.
"""

import marshal
import os
from collections.abc import Mapping
from typing import NamedTuple

from app.parent.own_file import own_file

FILE = "TRIAL_LAST_WORDS_FILE"
TOLD = ".told"  # ends the name of a file that says only this
LEFT = "last-words"  # a folder in DATA_DIR, of those that are to be told when the backend is there again
MOST_BYTES = 2**20


class LastWords(NamedTuple):
    """What is to be told of a run.

    Attributes:
        entity, project, run: its address at its backend.
        exit_code: not 0: a run that did not tell all its values has not finished.
        cause: one line.
        preempting: whether it goes on later, from its checkpoint.
    """

    entity: str
    project: str
    run: str
    exit_code: int
    cause: str
    preempting: bool


def place(environ: Mapping[str, str]) -> str:
    """Returns where the trial of this process may leave its last words; nothing is there.

    Args:
        environ: TMPDIR.
    """
    path = own_file(environ, "last-words")
    for left in (path, path + TOLD):
        drop(left)  # of a trial that was killed, and whose parent's number this process has now
    return path


def keep(path: str, words: LastWords) -> None:
    """Writes them, for this user alone, where no file may be.

    Raises:
        OSError: if that cannot be.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "wb") as file:
        marshal.dump(tuple(words), file)


def read(path: str) -> LastWords:
    """Reads them.

    Raises:
        OSError: if there are none, or another user's.
        ValueError: if the trial was killed while it wrote them.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError(f"{path} is another user's")
        try:
            return LastWords(*marshal.loads(file.read(MOST_BYTES)))
        except (EOFError, TypeError) as error:
            raise ValueError(f"{path} is not whole: {error}") from None


def note_told(path: str) -> None:
    """Puts a note that they are told in their place; a thin parent that finds none asks the backend."""
    try:
        os.rename(path, path + TOLD)
    except OSError:
        return


def were_told(path: str) -> bool:
    """Whether there is such a note of this user's; takes it away."""
    note = path + TOLD
    try:
        ours = os.lstat(note).st_uid == os.getuid()
        os.unlink(note)
    except OSError:
        return False
    return ours


def leave(path: str, environ: Mapping[str, str]) -> None:
    """Copies them to where they are found when the next agent begins; without a DATA_DIR nobody would look.

    Raises:
        OSError, ValueError: if that cannot be.
    """
    if environ.get("DATA_DIR"):
        words, folder = read(path), os.path.join(environ["DATA_DIR"], LEFT)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        target = os.path.join(folder, os.path.basename(words.run))
        drop(target)
        keep(target, words)


def drop(path: str) -> None:
    """Removes them, if they are there."""
    try:
        os.unlink(path)
    except OSError:
        return
