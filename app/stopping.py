"""How a trial is asked to end, and when it does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM came: the machine is wanted back, and the run is to be closed so that another can go on with it."""


class Asked:
    """Whether a signal has asked this process to end.

    Once the run is there, a signal is only noted, and the training ends between two calls into TensorFlow. What a
    handler raises could come while W&B's client is half-way through a message to its service, which would then answer
    no more, or in a destructor, where it is forgotten.

    Attributes:
        noting: whether signals are only noted.
    """

    def __init__(self) -> None:
        self.noting = False
        self._signum: int | None = None

    def come(self, signum: int, frame: FrameType | None) -> None:
        """Handles a signal."""
        first, self._signum = self._signum is None, self._signum or signum
        if first and not self.noting:  # asked once is enough: a second one must not disturb the closing
            self.end_if_asked()

    def end_if_asked(self) -> None:
        """Ends the trial if a signal has come.

        Raises:
            KeyboardInterrupt: for SIGINT: Ctrl-C, or W&B's way to stop a run.
            Terminated: for any other.
        """
        if self._signum is not None:
            raise KeyboardInterrupt if self._signum == signal.SIGINT else Terminated(128 + self._signum)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Ends what may take long and has nothing to do with W&B as soon as a signal comes."""
        self.end_if_asked()
        before, self.noting = self.noting, False
        try:
            yield
        finally:
            self.noting = before
        self.end_if_asked()
