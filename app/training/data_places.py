"""Where Fashion-MNIST may be on this machine, and where its prepared copy is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from terms.record import NO_INPUT_EXIT_CODE

PACKAGE = "dataset-fashion-mnist"
PACKAGE_DIRECTORY = Path("usr/share/datasets/fashion-mnist")
KERAS_CACHE = Path("datasets/fashion-mnist")
MANIFEST = "manifest.json"  # of a prepared copy, written last


class DataError(Exception):
    """The data cannot be had; the message says why and what to do."""

    exit_code = NO_INPUT_EXIT_CODE  # told from a failure of the program


class Absent(DataError):
    """There is nothing."""


@dataclass(frozen=True)
class Places:
    """Where the data may be and where it is kept."""

    data: Path
    given: Path | None
    keras: Path
    environ: Mapping[str, str]  # of what looks beyond this machine

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Places":
        """Reads DATA_DIR (default `data`), FASHION_MNIST_DIR and KERAS_HOME."""
        given = environ.get("FASHION_MNIST_DIR")
        return cls(
            data=Path(environ.get("DATA_DIR") or "data"),
            given=Path(given) if given else None,
            keras=Path(environ.get("KERAS_HOME") or Path.home() / ".keras"),
            environ=environ,
        )

    @property
    def prepared(self) -> Path:
        """Where the prepared copy is or will be: FASHION_MNIST_DIR, if that holds one (as images do), or DATA_DIR."""
        if self.given is not None and (self.given / MANIFEST).exists():
            return self.given
        return self.data / "fashion-mnist"


@dataclass(frozen=True)
class Source:
    """A folder in which the four files may lie.

    Attributes:
        fetch: gets them there.
        silent: who would have to answer then, and does not.
    """

    name: str
    place: Path
    fetch: Callable[[], None] = lambda: None
    silent: str = ""

    def directory(self) -> Path:
        """The folder, once the files are there.

        Raises:
            DataError: if they cannot be fetched.
        """
        if self.silent:
            raise DataError(f"no answer from {self.silent}")
        self.fetch()
        return self.place
