"""The data is prepared where there is a network, by a command of its own or by registering; nodes download nothing."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from app.training.data_places import PACKAGE, PACKAGE_DIRECTORY
from tests.app.programs import ROOT, Workplace, runs
from tests.server.real_server import RunningServer

TRAINER = ["-m", "app.train"]
SENTENCE = "There is no sound copy of the data in {}, and trials download none. Run `make prepare` once"

# A machine without the distribution's package; `--net` makes it one without a network.
WITHOUT_DATA = """
if [ -d /usr/share/datasets ]; then mount -t tmpfs none /usr/share/datasets; fi
exec "$@"
"""


def elsewhere(*flags: str) -> tuple[str, ...]:
    """Begins a command on a machine where nobody has the data."""
    unshare = ("unshare", "--map-root-user", "--mount", *flags)
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("namespaces can be made neither here nor by this user")
    return (*unshare, "sh", "-c", WITHOUT_DATA, "-")


@pytest.fixture
def bare(workplace: Workplace) -> Workplace:
    """A workplace into which nobody has brought the data."""
    (workplace.data / "fashion-mnist").unlink()
    workplace.variables["KERAS_HOME"] = str(workplace.folder / "keras")
    return workplace


@pytest.mark.slow
def test_registering_prepares_the_data_and_an_agent_without_it_takes_no_point(
    bare: Workplace, server: RunningServer, request: pytest.FixtureRequest
) -> None:
    project = request.node.name[:100]
    bare.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\nWANDB_PROJECT={project}\n")
    bare.write_sweep(TRAINER, {"layer1_size": {"values": [8]}})

    refused, why = bare.run("register", FASHION_MNIST_DIR="/nowhere")
    registered, output = bare.run("register")
    other = bare.folder / "another node"
    code, told = bare.run("agent", wrapper=elsewhere(), DATA_DIR=str(other))

    assert refused == 66
    assert "no /nowhere/train-images-idx3-ubyte" in why
    assert registered == 0
    assert "registered." in output  # it was not by the one that was refused
    assert f"prepared in {bare.data}/fashion-mnist\nSweep sweep #" in output  # before it is there for others to take
    assert code == 2
    assert SENTENCE.format(other / "fashion-mnist") in told.splitlines()[-1]
    assert runs(server, project) == []


def test_a_trial_downloads_nothing(bare: Workplace) -> None:
    program = "from app import data; from app.config import TrialConfig; data.load(TrialConfig())"

    done = subprocess.run(
        [*elsewhere(), sys.executable, "-c", program],
        cwd=ROOT,
        env=bare.environment(),
        capture_output=True,
        text=True,
    )

    assert SENTENCE.format(bare.data / "fashion-mnist") in done.stderr.splitlines()[-1]
    assert files(bare.data) == []


def test_without_a_network_nothing_is_tried(bare: Workplace) -> None:
    code, output = bare.run("prepare", wrapper=elsewhere("--net"))

    assert code == 66
    assert "Keras' download: no answer from " in output
    assert output.endswith("(.gz or not).\n")
    assert "Run `make prepare` with this DATA_DIR on a machine that has a network" in output


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is Debian's and Ubuntu's")
def test_a_proxy_that_only_apt_knows_of_is_network_enough(bare: Workplace, source: Path) -> None:
    repository, apt = bare.folder / "repository", bare.folder / "apt"
    write_repository(repository, source)
    with serving(repository) as url:
        write_apt(apt, proxy=url)
        bare.variables["APT_CONFIG"] = str(apt / "apt.conf")
        subprocess.run(["apt-get", "update"], env=bare.environment(), check=True, capture_output=True)
        code, output = bare.run("prepare", wrapper=elsewhere())

    assert code == 0, output
    assert output == f"Data: Fashion-MNIST from apt-get download, prepared in {bare.data}/fashion-mnist\n"


def write_repository(folder: Path, source: Path) -> None:
    """One package with the data, which apt can fetch."""
    contents = folder.with_name("contents")
    (contents / "DEBIAN").mkdir(parents=True)
    control = (
        f"Package: {PACKAGE}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: data\n"
    )
    (contents / "DEBIAN/control").write_text(control)
    shutil.copytree(source, contents / PACKAGE_DIRECTORY)
    folder.mkdir()
    package = folder / "data.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--build", contents, package], check=True, capture_output=True)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    size = package.stat().st_size
    (folder / "Packages").write_text(f"{control}Filename: ./data.deb\nSize: {size}\nSHA256: {digest}\n")


def write_apt(folder: Path, proxy: str) -> None:
    """Settings by which apt knows that repository alone, at an address that only the proxy can reach."""
    for name in ("etc", "state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "etc/sources.list").write_text("deb [trusted=yes] http://packages.invalid ./\n")
    settings = {
        "Dir::Etc": folder / "etc",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::http::Proxy": proxy,
    }
    (folder / "apt.conf").write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A proxy that has what it is asked for in a folder, whatever the host."""

    class Proxy(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.path = urlsplit(self.path).path
            super().do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Proxy, directory=str(folder))) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("[!.]*") if path.is_file()]
