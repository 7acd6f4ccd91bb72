"""How a trial is asked to end, and when it does."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Clouds take a machine back 30 s after they have told it by SIGTERM.
CLOSE_AFTER_S = 12.0
EXIT_AFTER_S = 20.0  # its thin parent may have to tell the end for it, which takes up to 4 s

# A signal to everybody may end W&B's service before it reaches this process.
SIGNAL_BEHIND_S = 1.0


class Terminated(SystemExit):
    """SIGTERM came: the machine is wanted back, and the run is to be closed so that another can go on with it."""


class Asked:
    """Whether a signal has asked this process to end.

    Once the run is there, a signal is only noted, and the training ends between two calls into TensorFlow. What a
    handler raises could come while W&B's client is half-way through a message to its service, which would then answer
    no more, or in a destructor, where it is forgotten.

    Attributes:
        noting: whether signals are only noted.
        last_words: close the run for SIGTERM, the last first, where a call into TensorFlow keeps the trial from it.
    """

    def __init__(self) -> None:
        self.noting = False
        self.last_words: list[Callable[[], None]] = []
        self._signum: int | None = None
        self._closing = threading.RLock()  # the first thread that has it closes the run, and keeps it
        self._wakeup: socket.socket | None = None

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
            self.begin_to_close()
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

    @contextmanager
    def as_reason(self) -> Iterator[None]:
        """Ends the trial for a signal that has come, not for what fails then: W&B's service has heard it too."""
        try:
            yield
        except Exception as error:
            if isinstance(error, ConnectionError) or type(error).__module__.startswith("wandb"):
                time.sleep(SIGNAL_BEHIND_S)
            self.end_if_asked()
            raise

    def begin_to_close(self) -> None:
        """Leaves the closing of the run to this thread, or waits for the process's end if the other has begun it."""
        if self._wakeup:
            self._closing.acquire()

    def keep_time(self, leave: Callable[[int], None]) -> None:
        """Ends the process `EXIT_AFTER_S` after SIGTERM at the latest. Called once, by the main thread.

        Python runs no handler while a call into TensorFlow lasts, be it for a step of minutes, but the part of it
        that takes the signal writes to a socket, and a thread reads there.

        Args:
            leave: ends the process with an exit code.
        """
        reader, self._wakeup = socket.socketpair()
        self._wakeup.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno())
        threading.Thread(target=self._keep_time, args=(reader, leave), daemon=True).start()

    def _keep_time(self, reader: socket.socket, leave: Callable[[int], None]) -> None:
        while signal.SIGTERM not in reader.recv(64):
            pass
        code = 128 + signal.SIGTERM
        last = threading.Timer(EXIT_AFTER_S, os._exit, [code])
        last.daemon = True
        last.start()
        time.sleep(CLOSE_AFTER_S)
        if self._closing.acquire(blocking=False):
            try:
                for say in reversed(self.last_words):
                    say()
            finally:
                leave(code)
