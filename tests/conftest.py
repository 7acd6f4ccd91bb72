"""What every test starts from: a known environment and folder, and signals that are heard."""

import gc
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import known_environment

gc.disable()  # until all is imported and collected: nothing of that is garbage
known_environment.enter()  # before a test module is imported: Keras, W&B's client and numpy read variables then
os.chdir(Path(__file__).parents[1])

# A shell's `&` and nohup leave these ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

pytest_plugins = ("tests.shared",)  # imported in the known environment too

LEAVE_S = 30


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spares the collector what stays to the end: looking through it again and again was a third of this."""
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that take longest: of tests side by side, none is then left over at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    """Ends the process even if W&B's client waits for its service for ever, as rarely it does (0.31.0, `app.train`)."""

    def leave() -> None:
        sys.stdout.flush()
        os._exit(exitstatus)

    last = threading.Timer(LEAVE_S, leave)
    last.daemon = True
    last.start()


def pytest_unconfigure() -> None:
    known_environment.leave()


@pytest.fixture(autouse=True)
def untouched_environment() -> Iterator[None]:
    """What runs in the tests' own process sets variables too: a trial its threads, W&B's client its service's address.

    A program that a later test starts must not find them; with that address it would join the service of the tests.
    """
    os.environ.pop("WANDB_SERVICE", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
