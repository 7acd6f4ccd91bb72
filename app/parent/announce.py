"""Tells a run's backend how its trial ended, where W&B's client could not: over W&B's own protocol, and so on any.

    python -I -S app/parent/announce.py FILE LIMIT_S

FILE holds the trial's last words. One request asks how the run stands: one that has ended, or that another agent was
given since, is left alone. The other ends it as W&B's client does, by `preempting`, `complete` and the exit code in the
file stream. Standard library only: W&B's client starts for seconds, and may be told to end once more.
"""

import base64
import ipaddress
import json
import netrc
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # -I leaves it out

from app.parent import last_words
from app.parent.last_words import LastWords
from terms import states
from terms.record import CAUSE

CLOUD_URL = "https://api.wandb.ai"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A run that was handed out anew waits as `pending` until its new trial begins. One that has only fallen silent is
# `crashed`; a backend that has given its point to another run by then keeps to that.
NOT_ENDED = (states.RUNNING, states.PREEMPTING, states.CRASHED)
PAUSE_S = 0.5
# Where systems keep the CAs that they trust. Source: crypto/x509/root_linux.go of Go, which W&B's client is written in.
SYSTEM_CAS = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"),
    *("/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"),
)

STANDING = """query Run($project: String!, $entity: String!, $name: String!) {
  project(name: $project, entityName: $entity) { run(name: $name) { state summaryMetrics } }
}"""


class Refused(Exception):
    """The backend answers, and will answer the same if it is asked again."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Lets no answer send the key elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Backend:
    """The backend that the environment names, as W&B's client would find it.

    Args:
        environ: WANDB_BASE_URL, and WANDB_API_KEY unless ~/.netrc has the key.

    Raises:
        Refused: if there is no key.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._url = (environ.get("WANDB_BASE_URL") or CLOUD_URL).rstrip("/")
        address = urlsplit(self._url)
        key = environ.get("WANDB_API_KEY") or _from_netrc(address.netloc)
        if not key:
            raise Refused(f"there is no API key for {self._url}")
        self._credentials = base64.b64encode(f"api:{key}".encode()).decode()
        handlers = [NoRedirects(), urllib.request.HTTPSHandler(context=_trust(environ))]
        if _is_direct(address.hostname or "", environ):
            handlers.append(urllib.request.ProxyHandler({}))
        self._open = urllib.request.build_opener(*handlers).open

    def post(self, path: str, content: Mapping[str, Any], limit_s: float) -> Any:
        """Sends JSON and returns the answer's.

        Raises:
            Refused: for what will be refused again, with the backend's words.
            OSError, HTTPException, ValueError: for what may pass.
        """
        headers = {"Authorization": f"Basic {self._credentials}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/{path}", json.dumps(content).encode(), headers)
        try:
            with self._open(request, timeout=limit_s) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code in (408, 425, 429):
                raise
            raise Refused(_message(error)) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise Refused(f"its certificate is not trusted: {error.reason.verify_message}") from None
            raise


def _trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Whom W&B's client trusts: what SSL_CERT_FILE and SSL_CERT_DIR say, else the system's CAs.

    Python may have been built to look for those elsewhere than this system keeps them.
    """
    context = ssl.create_default_context()
    if not (environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR")):
        for path in filter(os.path.exists, SYSTEM_CAS):
            context.load_verify_locations(path)
            break
    return context


def _is_direct(host: str, environ: Mapping[str, str]) -> bool:
    """Whether no proxy is to be asked, beyond what Python reads from NO_PROXY: W&B's client knows networks in it."""
    if host in LOOPBACK:  # machines with a proxy often name no exception for their own address
        return True
    networks = [each.strip() for each in (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")]
    return any(_is_within(host, network) for network in networks if "/" in network)


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _from_netrc(host: str) -> str | None:
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return found[2] if found else None


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["errors"][0]["message"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return f"status {error.code}"


def tell(words: LastWords, environ: Mapping[str, str], limit_s: float) -> None:
    """Ends the run with these words, unless it has ended; asks again while the backend is away.

    Args:
        limit_s: how long.

    Raises:
        Refused, OSError, HTTPException, ValueError: if it could not be told.
    """
    backend, deadline_s = Backend(environ), time.monotonic() + limit_s
    while True:
        try:
            return _tell(words, backend, max(deadline_s - time.monotonic(), PAUSE_S))
        except (OSError, HTTPException, ValueError):
            if time.monotonic() + PAUSE_S >= deadline_s:
                raise
        time.sleep(PAUSE_S)


def has_ended(words: LastWords, environ: Mapping[str, str], limit_s: float) -> bool:
    """Whether the backend says that the run has ended; false too if it does not say.

    W&B's client closes a run without a word of it when its stream was refused once, be it by a proxy.
    """
    try:
        return _standing(words, Backend(environ), limit_s)["state"] not in NOT_ENDED
    except (Refused, OSError, HTTPException, ValueError):
        return False


def _tell(words: LastWords, backend: Backend, limit_s: float) -> None:
    run = _standing(words, backend, limit_s)
    if run["state"] in NOT_ENDED:
        path = "/".join(quote(name, safe="") for name in (words.entity, words.project, words.run))
        backend.post(f"files/{path}/file_stream", _end(words, run), limit_s)


def _standing(words: LastWords, backend: Backend, limit_s: float) -> dict[str, Any]:
    names = {"entity": words.entity, "project": words.project, "name": words.run}
    answer = backend.post("graphql", {"query": STANDING, "variables": names}, limit_s)
    if answer.get("errors"):
        raise Refused(str(answer["errors"][0].get("message")))
    run: dict[str, Any] | None = ((answer.get("data") or {}).get("project") or {}).get("run")
    if run is None:
        raise Refused(f"there is no run {words.entity}/{words.project}/{words.run}")
    return run


def _end(words: LastWords, run: Mapping[str, Any]) -> dict[str, Any]:
    """The file stream's last request; a summary replaces the one before, and so holds what that held."""
    summary = {**json.loads(run.get("summaryMetrics") or "{}"), CAUSE: words.cause}
    end: dict[str, Any] = {"complete": True, "exitcode": words.exit_code}
    if words.preempting:
        end["preempting"] = True
    return {"files": {"wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]}}, **end}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0, or 1 if it could not be told, and says why in one line."""
    path, limit_s = arguments
    try:
        tell(last_words.read(path), environ, float(limit_s))
    except (Refused, OSError, HTTPException, ValueError, LookupError) as error:
        print(f"trial: the end of its run could not be told: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
