"""Other machines' way to the server by TLS: a real Caddy, its own CA, the unmodified client."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.settings import Settings
from tests.deploy.caddy import Caddy, free_port
from tests.server.real_client import SWEEP, Agents, register
from tests.server.real_server import RunningServer, ending
from tests.server.speaker import Clock, Speaker
from tests.server.test_protocol import upload_url

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

TRIAL = """
import pathlib, wandb
pathlib.Path("note.txt").write_text("sent by TLS")
run = wandb.init()
run.log({"acc": run.config["units"]})
run.save("note.txt", policy="now")
model = wandb.Artifact("model", "model")
model.add_file("note.txt", name="model.txt")
run.log_artifact(model).wait()
path = run.path
run.finish()
api = wandb.Api()
api.run(path).file("note.txt").download(root="back")
api.artifact(path.rsplit("/", 1)[0] + "/model:latest").download(root="back")
"""
ONE_POINT = SWEEP.replace("[8, 16, 32]", "[8]")
# What a proxy may leave out or write anew; nginx does both, unless it is told otherwise.
SILENT = "header_up -X-Forwarded-Proto"
RENAMED = "header_up Host {upstream_hostport}"
NAME = "10.9.8.7"  # an address, for which clients tell no name as they connect


class Outside(RunningServer):
    """A server as programs on another machine know it: by Caddy's address and the certificate of its CA."""

    caddy: Caddy

    def env(self, home: Path) -> dict[str, str]:
        root = str(self.caddy.root)
        told = {"SSL_CERT_FILE": root, "REQUESTS_CA_BUNDLE": root}
        return super().env(home) | told | {"WANDB_BASE_URL": f"https://localhost:{self.caddy.port}"}


def test_a_sweep_its_files_and_its_artifacts_go_through_caddy_and_back(tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "home"
    home.mkdir()
    with ExitStack() as stack:
        server = Outside(tmp_path / "data", "--public-url", f"https://localhost:{port}")
        stack.callback(server.stop)
        server.caddy = Caddy(tmp_path / "caddy", "localhost", port, server)
        stack.callback(server.caddy.stop)
        path = register(server, home, ONE_POINT)
        (home / "trial.py").write_text(TRIAL)
        codes = Agents(server, home, path).exit_codes()
        (run,) = server.api().sweep(path).runs

    assert (codes, run.state) == ([0], "finished")
    assert (home / "back/note.txt").read_text() == "sent by TLS"
    assert (home / "back/model.txt").read_text() == "sent by TLS"
    assert "Reached as" not in server.output()


def test_no_file_is_lost_behind_a_proxy_that_does_not_say_how_it_is_reached(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(ending(RunningServer(tmp_path / "data", "--public-url", f"https://{NAME}:{port}")))
        silent = Caddy(tmp_path / "silent", NAME, port, server, SILENT)
        stack.callback(silent.stop)
        renaming = Caddy(tmp_path / "renaming", NAME, free_port(), server, SILENT, RENAMED)
        stack.callback(renaming.stop)
        found = [sent_and_fetched(server, caddy) for caddy in (silent, renaming)]

    assert found == [(f"https://{NAME}:{port}", "sent by TLS")] * 2
    assert server.output().count(f"Reached as http://{NAME}:{port} by a proxy, but PUBLIC_URL says") == 1


def sent_and_fetched(server: RunningServer, caddy: Caddy) -> tuple[str, str]:
    """Where a client that comes by this Caddy is to send a file, and what it fetches then."""
    with caddy.client() as http:
        wb = Speaker(http, server.api_key, Clock(), Settings(server.data))
        wb.begin("r")
        sent = upload_url(wb, "note.txt")
        http.put(urlsplit(sent)._replace(scheme="", netloc="").geturl(), content=b"sent by TLS")
        (edge,) = wb.field("r", "files { edges { node { directUrl } } }")["edges"]
        with http.stream("GET", "/events", headers=wb.headers) as events:  # they come while the stream is open
            assert next(events.iter_lines()).startswith("id: ")
        fetched = http.get(urlsplit(edge["node"]["directUrl"])._replace(scheme="", netloc="").geturl())
    return "://".join(urlsplit(sent)[:2]), fetched.text
