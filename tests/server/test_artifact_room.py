"""What artifacts take of the disk: each content once, no more than fits, and nothing of an upload that broke off."""

import resource
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.ledger import files
from server.settings import Settings
from tests.server.maker import FILES, Maker, digest_of, refusal
from tests.server.real_server import RunningServer
from tests.server.speaker import Clock, Speaker, speaking, until

MIB = 1024 * 1024
TERABYTES = 2**60


def unfinished(maker: Maker) -> list[Path]:
    """What lies there of uploads that have not ended."""
    return list(files.unfinished(maker.wb.settings.files).iterdir())


def test_checkpoints_of_many_runs_with_one_content_take_the_place_of_one(wb: Speaker) -> None:
    checkpoint = bytes(range(256)) * 400
    ids = [Maker(wb, f"run_{number}_model").log({"model.keras": checkpoint}) for number in range(30)]
    stored = Maker(wb).bytes_stored()

    assert [path.stat().st_size for path in stored] == [len(checkpoint)]
    for id in ids[:-1]:
        Maker(wb).delete(id)
    wb.look()
    assert Maker(wb).bytes_stored() == stored
    Maker(wb).delete(ids[-1])
    wb.look()
    assert Maker(wb).bytes_stored() == []


@pytest.mark.parametrize("sent", [b"a" * 11, iter([b"a" * 6, b"a" * 5])], ids=["told", "not told"])
def test_a_file_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path, clock: Clock, sent: Any) -> None:
    with speaking(tmp_path / "data", clock, max_upload_bytes=10) as wb:
        maker = Maker(wb)
        id = maker.begin()["id"]
        small, large = maker.addresses(id, {"small": b"a" * 10, "large": b"a" * 11})

        reply = wb.http.put(str(large), content=sent)

        assert reply.status_code == 413, "W&B's client repeats others for minutes"
        assert "a file may have at most 0.0 MiB on this server" in refusal(reply)
        assert (unfinished(maker), maker.bytes_stored()) == ([], [])
        assert wb.http.put(str(small), content=b"a" * 10).status_code == 200


def test_a_large_file_is_refused_before_it_is_sent(tmp_path: Path, clock: Clock) -> None:
    """Here W&B's client shows the reason; it tells the parts of what has 2 GiB or more."""
    parts = [{"partNumber": number, "hexMD5": "0" * 32} for number in range(1, 31)]
    with speaking(tmp_path / "data", clock, max_upload_bytes=2900 * MIB - 1) as wb:
        maker = Maker(wb)
        file = {"artifactID": maker.begin()["id"], "name": "a", "md5": digest_of(b"a"), "uploadPartsInput": parts}

        reply = wb.post(FILES, input={"artifactFiles": [file]})

        assert reply.status_code == 413
        assert "at most 2,900.0 MiB" in refusal(reply)


def test_what_the_database_needs_of_the_disk_is_kept_free(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        maker = Maker(wb)
        maker.log({"known": b"a"})
        id = maker.begin()["id"]
        (address,) = maker.addresses(id, {"new": b"b"})
    with speaking(tmp_path / "data", clock, spare_bytes=TERABYTES) as wb:
        maker = Maker(wb)
        wb.begin("r")

        replies = [wb.http.put(str(address), content=b"b")]
        replies.append(
            wb.http.put(
                wb.field("r", 'files(names: ["f"]) { edges { node { url(upload: true) } } }')["edges"][0]["node"][
                    "url"
                ],
                content=b"b",
            )
        )
        replies.append(
            wb.post(FILES, input={"artifactFiles": [{"artifactID": id, "name": "a", "md5": digest_of(b"b")}]})
        )

        for reply in replies:
            assert reply.status_code == 413
            assert "are kept for its database; delete artifacts" in refusal(reply)
        assert maker.addresses(id, {"known": b"a"}) == [None]
        assert unfinished(maker) == []


def test_an_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again(
    own_server: RunningServer, clock: Clock
) -> None:
    content = bytes(8 * MIB)
    with httpx2.Client(base_url=own_server.url) as http:
        maker = Maker(Speaker(http, own_server.api_key, clock, Settings(data=own_server.data)))
        id = maker.begin()["id"]
        (address,) = maker.addresses(id, {"a": content})
        path = str(address).removeprefix(own_server.url)
        with socket.create_connection(("127.0.0.1", own_server.port)) as client:
            head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
            client.sendall(head.encode() + content[: len(content) // 2])
            until(lambda: any(path.stat().st_size for path in unfinished(maker)))

        until(lambda: unfinished(maker) == [])
        assert maker.bytes_stored() == []
        # Where the disk would be full.
        whole = resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, (4 * MIB, resource.RLIM_INFINITY))
        reply = http.put(str(address), content=content)
        assert reply.status_code == 413
        assert "disk is full" in refusal(reply)
        assert (unfinished(maker), maker.bytes_stored()) == ([], [])
        resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, whole)
        maker.send(id, {"a": content})
        maker.describe(id, {"a": content})
        assert maker.commit(id).status_code == 200
