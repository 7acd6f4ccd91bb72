"""`.env` sends the sweep elsewhere: the server idles, and a key in a file is seen nowhere."""

import os
from dataclasses import dataclass

import pytest

from tests.compose.conftest import Clone
from tests.compose.deployment import Deployment, docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

USER = 10001
SEARCH = 'grep -rhF "$0" /srv /data /etc /home /root /tmp || true'


@dataclass
class Elsewhere:
    """A sweep whose runs went to another deployment's server, with its key in a file."""

    here: Deployment
    there: Deployment
    key: str
    printed: str


@pytest.fixture(scope="module")
def elsewhere(clone: Clone) -> Elsewhere:
    there, here = clone("there"), clone("here")
    there.compose("up", "-d", "--wait", "server")
    key = there.compose("exec", "-T", "server", "cat", "/data/server/api-key").stdout.strip()
    key_file = here.folder / "key"
    key_file.write_text(key)
    os.chown(key_file, USER, USER)
    key_file.chmod(0o400)
    url = f"http://{there.name}-server-1:8080"
    (here.folder / ".env").write_text(f"WANDB_BASE_URL={url}\nWANDB_API_KEY_FILE=./key\nWANDB_PROJECT=from-here\n")
    here.write_quick_sweep(sizes=2, epochs=2)
    here.add("compose.there.yml", {"networks": {"default": {"name": f"{there.name}_default", "external": True}}})

    done = here.compose("run", "--rm", "report", WANDB_API_KEY="exported" * 5, AGENTS="1")

    return Elsewhere(here, there, key, done.stdout + done.stderr)


def test_the_sweep_is_run_on_the_server_that_the_file_names(elsewhere: Elsewhere) -> None:
    runs = elsewhere.there.api().runs("local/from-here", lazy=False)

    assert [run.state for run in runs] == ["finished"] * 2
    assert "2 of 2 runs finished" in elsewhere.printed
    assert f"Backend: http://{elsewhere.there.name}-server-1:8080: .env sets WANDB_BASE_URL." in elsewhere.printed


def test_the_server_here_says_that_it_is_not_needed_and_idles_in_good_health(elsewhere: Elsewhere) -> None:
    (server,) = elsewhere.here.containers("server")

    assert server["State"]["Health"]["Status"] == "healthy"
    assert elsewhere.here.logs("server") == (
        "The embedded server is not needed: runs go elsewhere (WANDB_API_KEY_FILE, WANDB_BASE_URL). It idles.\n"
    )


def test_a_key_in_a_file_is_in_no_log_no_inspect_and_no_image(elsewhere: Elsewhere) -> None:
    elsewhere.here.compose("build", "--quiet")  # from a folder that holds `.env` and the key
    seen = [elsewhere.printed, elsewhere.here.compose("logs").stdout, elsewhere.here.compose("config").stdout]
    seen += [str(each) for each in elsewhere.here.containers()]
    for image in ("tf-sweeps-server", "tf-sweeps-trainer-cpu"):
        seen += [docker("inspect", image), docker("history", "--no-trunc", image)]
        seen.append(docker("run", "--rm", "--user", "0", image, "sh", "-c", SEARCH, elsewhere.key))

    assert not [text for text in seen if elsewhere.key in text]


def test_a_key_of_the_shell_goes_nowhere(elsewhere: Elsewhere) -> None:
    assert "exported" * 5 not in str(elsewhere.here.containers()) + elsewhere.here.compose("config").stdout
