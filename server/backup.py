"""Copies of all that a server keeps, taken while it serves, and put back.

A backup is a folder of the same form as a data directory, with `backup.json` beside, written last: without it the copy
is not whole. Database and files are those of one moment. A file's bytes change their place only in a transaction that
writes, so what was copied first, with everybody at work, is compared once more while nobody can write; the database is
then read as it was at that moment, however long that takes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from server.keys import API_KEY_FILE, SIGNING_KEY_FILE
from server.ledger.files import unfinished
from server.settings import Settings
from server.store import copies, migrations

NOTE: Final = "backup.json"
DATABASE: Final = "sweeps.sqlite"
SECRETS: Final = (API_KEY_FILE, SIGNING_KEY_FILE)


class BackupError(Exception):
    """Why a backup cannot be made or put back, in one line."""


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        schema: steps of the database's schema.
        sha256: of the database, hex.
        linked: whether its files share their blocks with the server's own: they cost no room, and are lost with that
            disk.
    """

    made_at_s: float
    schema: int
    sha256: str
    files: int
    file_bytes: int
    linked: bool


def back_up(settings: Settings, target: Path, now_s: float) -> Backup:
    """Copies a data directory, whether a server is using it or not; the folder appears when it is whole.

    Files are hard links where source and target are on one disk: what is stored is replaced, never written to.

    Raises:
        BackupError: there is nothing to copy, or something in its way.
        OSError, sqlite3.Error: it cannot be read or written.
    """
    if not settings.database.exists():
        raise BackupError(f"no server has run in {settings.data}: there is nothing to back up")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is there already: give a new folder, or an empty one")
    being_made = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        being_made.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"cannot write {target}: {error.strerror or error}") from error
    try:
        backup = _copied(settings, being_made, now_s)
        being_made.replace(target)
    except BaseException:
        shutil.rmtree(being_made, ignore_errors=True)
        raise
    os.sync()
    return backup


def restore(source: Path, settings: Settings) -> Backup:
    """Puts a backup into a data directory that holds no data; the database comes last, so that half of it is none.

    Raises:
        BackupError: the backup is not whole, damaged or of a newer version, or the directory is not empty.
        OSError, sqlite3.Error: it cannot be read or written.
    """
    backup = _whole(source)
    for path in (settings.database, settings.files, settings.artifacts):
        if path.is_file() or (path.is_dir() and any(_files(path))):
            raise BackupError(f"{path} is there already: give another --data, or move it away first")
    for path in (settings.data, settings.database.parent):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part, folder in _parts(settings).items():
        _mirror(source / part, folder, linked=False)
    for name in SECRETS:
        (settings.data / name).unlink(missing_ok=True)
        shutil.copy2(source / name, settings.data / name)
    arriving = settings.database.with_name(f".{DATABASE}.arriving")
    shutil.copy2(source / DATABASE, arriving)
    os.sync()  # all of it at once, before the name that says that it is there
    arriving.replace(settings.database)
    os.sync()
    return backup


def _copied(settings: Settings, target: Path, now_s: float) -> Backup:
    linked = _can_link(settings.database, target)

    def mirror() -> None:
        for part, folder in _parts(settings).items():
            _mirror(folder, target / part, linked)

    for name in SECRETS:
        shutil.copy2(settings.data / name, target / name)
    mirror()
    with copies.as_of(settings.database, mirror) as snapshot:
        schema = migrations.steps_done(snapshot)
        copies.copy(snapshot, target / DATABASE)
    sizes = [path.stat().st_size for part in _parts(settings) for path in _files(target / part)]
    backup = Backup(now_s, schema, _sha256(target / DATABASE), len(sizes), sum(sizes), linked)
    (target / NOTE).write_text(json.dumps(asdict(backup), indent=2) + "\n")
    os.sync()  # all of it at once, before the name that says that it is there
    return backup


def _whole(source: Path) -> Backup:
    try:
        backup = Backup(**json.loads((source / NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        raise BackupError(
            f"{source} is no whole backup: it has no {NOTE} as `python -m server backup` writes"
        ) from None
    known = len(migrations.STEPS)
    if backup.schema > known:
        raise BackupError(f"{source} is of a newer version: schema {backup.schema}, this program knows {known}")
    sizes = [path.stat().st_size for part in ("files", "artifacts") for path in _files(source / part)]
    if (len(sizes), sum(sizes)) != (backup.files, backup.file_bytes):
        told = f"{backup.files} files of {backup.file_bytes} bytes"
        raise BackupError(f"{source} is not whole: it had {told}, and has {len(sizes)} of {sum(sizes)}")
    if not (source / DATABASE).exists() or _sha256(source / DATABASE) != backup.sha256:
        raise BackupError(f"{source / DATABASE} is not the database that was written there: take another backup")
    return backup


def _parts(settings: Settings) -> dict[str, Path]:
    return {"files": settings.files, "artifacts": settings.artifacts}


def _mirror(source: Path, target: Path, linked: bool) -> None:
    """Makes one tree of files like another one, in which files are only ever added, replaced and removed whole."""
    skipped = unfinished(source)
    wanted = {path.relative_to(source): path for path in _files(source) if skipped not in path.parents}
    for path in list(_files(target)):
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name, path in wanted.items():
        with suppress(FileNotFoundError):  # removed or replaced meanwhile: the next look sees it
            if not _is_same(path, target / name, linked):
                (target / name).unlink(missing_ok=True)
                _put(path, target / name, linked)


def _put(source: Path, target: Path, linked: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if linked:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _is_same(source: Path, target: Path, linked: bool) -> bool:
    """Whether a file is there as it is now; a file that replaces another one has a time of its own."""
    if not target.exists():
        return False
    one, other = source.stat(), target.stat()
    if linked:
        return one.st_ino == other.st_ino
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _can_link(source: Path, target: Path) -> bool:
    probe = target / ".probe"
    try:
        os.link(source, probe)
    except OSError:
        return False
    probe.unlink()
    return True


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
