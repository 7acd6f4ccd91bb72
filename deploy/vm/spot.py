"""Stops the sweep's service when the cloud gives notice that it takes this spot VM back, and starts it if it does not.

A trial then writes its checkpoint and tells that it is preempted. AWS gives notice 120 s before, GCP and Azure 30 s.
It finds out which cloud this is: their metadata services share an address, but each answers in its own way. It runs
on the VM's own Python, by its standard library.

Sources: docs.aws.amazon.com "Spot Instance interruption notices", cloud.google.com "Preemptible VM instances" and
"View and query VM metadata", learn.microsoft.com "Azure Metadata Service: Scheduled Events".
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import NamedTuple

METADATA_URL = "http://169.254.169.254"
SERVICE = "tf-sweeps"
# A VM may ask before its network is there. What does answer, answers at once.
TRIES = 20
PAUSE_S = 3.0
# GCP holds a request back until there is news, for at most so long.
HELD_S = 60
PATIENCE_S = HELD_S + 15.0

# A proxy of the environment would answer in the place of this machine's own cloud.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Answer(NamedTuple):
    """What came back.

    Attributes:
        headers: their names in small letters.
    """

    status: int
    headers: Mapping[str, str]
    text: str


class Metadata:
    """A VM's metadata service."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Gives the answer, whatever its status.

        Args:
            headers: their names with `_` for `-`.

        Raises:
            OSError: if there is none.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, method=method, headers=named)
        try:
            with _open(request, timeout=PATIENCE_S) as reply:
                return _answer(reply.status, dict(reply.headers.items()), reply.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal.code, dict(refusal.headers.items()), refusal.read())


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body.decode(errors="replace"))


class Aws:
    """Spot notices of EC2, by version 2 of its metadata service."""

    look_s = 5.0  # as AWS advises

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def here(self) -> bool:
        return self._token().status == 200

    def noticed(self) -> bool:
        path = "/latest/meta-data/spot/instance-action"
        status = self._metadata.ask(path, X_aws_ec2_metadata_token=self._token().text).status
        if status not in (200, 404):
            raise OSError(f"status {status}")
        return status == 200

    def _token(self) -> Answer:
        return self._metadata.ask("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")


class Gcp:
    """Preemption notices of Compute Engine, told as soon as they are given."""

    look_s = 0.0

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._etag = "0"  # of no state: the first answer comes at once

    def here(self) -> bool:
        answer = self._metadata.ask("/computeMetadata/v1/instance/preempted", Metadata_Flavor="Google")
        return answer.status == 200 and answer.headers.get("metadata-flavor") == "Google"

    def noticed(self) -> bool:
        held = f"wait_for_change=true&timeout_sec={HELD_S}&last_etag={self._etag}"
        answer = self._metadata.ask(f"/computeMetadata/v1/instance/preempted?{held}", Metadata_Flavor="Google")
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        self._etag = answer.headers.get("etag", "0")
        return answer.text.strip() == "TRUE"


class Azure:
    """Evictions among Azure's scheduled events."""

    look_s = 1.0  # as Azure advises

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._name = ""

    def here(self) -> bool:
        path = "/metadata/instance/compute/name?api-version=2021-02-01&format=text"
        answer = self._metadata.ask(path, Metadata="true")
        self._name = answer.text.strip()
        return answer.status == 200

    def noticed(self) -> bool:
        """The events of a whole availability set are in each VM's list."""
        answer = self._metadata.ask("/metadata/scheduledevents?api-version=2020-07-01", Metadata="true")
        events = json.loads(answer.text)["Events"]
        return any(event["EventType"] == "Preempt" and self._name in event["Resources"] for event in events)


def find(metadata: Metadata) -> Aws | Gcp | Azure | None:
    """The cloud that this VM is in; None where it is none of these."""
    for _ in range(TRIES):
        try:
            return next((cloud for cloud in (Gcp(metadata), Azure(metadata), Aws(metadata)) if cloud.here()), None)
        except OSError:
            time.sleep(PAUSE_S)
    return None


def watch(cloud: Aws | Gcp | Azure, command: Callable[[str], None]) -> None:
    """Commands `stop` at a notice, and `start` if it is withdrawn; for ever."""
    stopped = False
    while True:
        try:
            noticed = cloud.noticed()
        except (OSError, ValueError, KeyError) as error:
            print(f"The metadata service says nothing usable: {error}")
            time.sleep(PAUSE_S)
            continue
        if noticed != stopped:
            stopped = noticed
            command("stop" if noticed else "start")
        time.sleep(cloud.look_s)


def systemctl(verb: str) -> None:
    reason = "this VM will be taken back" if verb == "stop" else "this VM stays"
    print(f"Notice: {reason}; systemctl {verb} {SERVICE}")
    subprocess.run(["systemctl", verb, SERVICE], check=False)


def main() -> None:
    if words := sys.argv[1:]:
        print(__doc__)
        sys.exit(0 if words[0] in ("-h", "--help") else 2)
    cloud = find(Metadata(os.environ.get("METADATA_URL") or METADATA_URL))
    if cloud is None:
        print("No metadata of AWS, GCP or Azure: this VM gets no spot notices.")
        return
    print(f"Watches for spot notices of {type(cloud).__name__}.")
    watch(cloud, systemctl)


if __name__ == "__main__":
    main()
