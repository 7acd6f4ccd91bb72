"""One engine for all tests; the images are built once and shared by every clone."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.compose.deployment import Deployment, docker, open_deployment

Clone = Callable[[str], Deployment]


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Fails at once, with what to do, where no engine answers."""
    if not shutil.which("docker"):
        pytest.fail("no docker here: install it, or as root on Debian run tests/compose/engine.sh up", pytrace=False)
    docker("version")


@pytest.fixture(scope="session")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Gives fresh clones by name, closed when all tests are done."""
    with ExitStack() as stack:

        def make(name: str) -> Deployment:
            folder: Path = tmp_path_factory.mktemp("clones") / f"tf-sweeps-test-{name}"
            return stack.enter_context(contextmanager(open_deployment)(folder))

        yield make


@pytest.fixture(scope="session", autouse=True)
def images(clone: Clone) -> Deployment:
    """The clone from which the images were built, as they are now, whatever an earlier run has left."""
    deployment = clone("images")
    deployment.compose("build", "--quiet")
    return deployment
