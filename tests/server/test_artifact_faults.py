"""Artifacts when something goes wrong: a version and its files are whole or not there, and what is stored is right."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.settings import Settings
from tests.server.maker import Maker, digest_of, refusal
from tests.server.real_server import RunningServer
from tests.server.speaker import Clock, Speaker, speaking, until

A_WEEK_S = 7 * 24 * 3600.0
USE = "mutation ($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }"
LINK = "mutation ($input: LinkArtifactInput!) { linkArtifact(input: $input) { versionIndex } }"


@pytest.fixture
def maker(wb: Speaker) -> Maker:
    return Maker(wb)


def test_bytes_of_another_digest_are_refused_and_can_be_sent_again(maker: Maker) -> None:
    id = maker.begin()["id"]
    (address,) = maker.addresses(id, {"a": b"right"})

    wrong, again = (maker.wb.http.put(str(address), content=content) for content in (b"wrong", b"right"))

    assert "promised was" in refusal(wrong)
    assert again.status_code == 200
    maker.describe(id, {"a": b"right"})
    assert maker.commit(id).status_code == 200
    assert maker.download(id) == {"a": b"right"}


def test_an_address_holds_for_one_content_one_version_and_one_day(maker: Maker, clock: Clock) -> None:
    one, other = (maker.begin(digest)["id"] for digest in ("1" * 32, "2" * 32))
    (mine,), (theirs,) = (maker.addresses(id, {"a": content}) for id, content in ((one, b"1"), (other, b"2")))
    path, signature = str(mine).split("?")[0], str(theirs).split("?")[1]
    put = maker.wb.http.put

    assert put(f"{path}?{signature}", content=b"1").status_code == 403
    assert put(path, content=b"1").status_code == 403
    assert maker.wb.http.get(str(mine)).status_code == 403
    clock.pass_s(24 * 3600.0 + 1)
    assert put(str(mine), content=b"1").status_code == 403
    assert maker.bytes_stored() == []


def test_the_same_bytes_twice_are_stored_once(maker: Maker) -> None:
    id = maker.begin()["id"]
    (address,) = maker.addresses(id, {"a": b"same"})

    codes = [maker.wb.http.put(str(address), content=b"same").status_code for _ in range(2)]
    there = maker.addresses(Maker(maker.wb, "other").begin()["id"], {"b": b"same"})

    assert (codes, there, len(maker.bytes_stored())) == ([200, 200], [None], 1)


def test_files_that_come_at_once_are_each_stored_or_refused(maker: Maker) -> None:
    id, gone = maker.begin("1" * 32)["id"], maker.begin("2" * 32)["id"]
    contents = {f"{number}": str(number).encode() for number in range(20)}
    addresses = maker.addresses(id, contents) + maker.addresses(gone, {"gone": b"gone"})
    maker.delete(gone)

    with ThreadPoolExecutor(len(addresses)) as threads:
        send = threads.map(
            lambda address, body: maker.wb.http.put(address, content=body), addresses, [*contents.values(), b"gone"]
        )
        codes = [reply.status_code for reply in send]

    assert codes == [200] * 20 + [404]
    maker.describe(id, contents)
    assert maker.commit(id).status_code == 200
    assert maker.download(id) == contents


def test_bytes_that_cannot_be_put_in_their_place_are_told_and_can_be_sent_again(maker: Maker) -> None:
    id = maker.begin()["id"]
    (address,) = maker.addresses(id, {"a": b"a"})
    maker.wb.settings.artifacts.write_text("in the way")

    reply = maker.wb.http.put(str(address), content=b"a")

    assert reply.status_code == 503
    assert "cannot store" in reply.text
    maker.wb.settings.artifacts.unlink()
    assert maker.addresses(id, {"a": b"a"}) == [address]
    assert maker.wb.http.put(str(address), content=b"a").status_code == 200


@pytest.mark.feature("download(multipart=True)")
def test_a_part_of_a_file_is_served_as_such(maker: Maker) -> None:
    found = maker.read(maker.log({"a": bytes(range(100))}))
    assert found is not None
    address = found["files"]["edges"][0]["node"]["directUrl"]

    part = maker.wb.http.get(address, headers={"Range": "bytes=10-19"})

    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"


def test_a_version_without_all_its_bytes_is_not_committed(maker: Maker) -> None:
    id = maker.begin()["id"]
    maker.send(id, {"a": b"a"})
    maker.describe(id, {"a": b"a", "b": b"never sent"})

    told = refusal(maker.commit(id))

    assert "1 of the artifact's files were not uploaded, the first is 'b'" in told
    assert pending(maker, id)
    maker.send(id, {"b": b"never sent"})
    assert maker.commit(id).status_code == 200


def test_a_version_without_a_manifest_is_not_committed(maker: Maker) -> None:
    id = maker.begin()["id"]

    assert "no manifest" in refusal(maker.commit(id))
    assert pending(maker, id)


def test_references_of_any_size_are_committed(maker: Maker) -> None:
    id = maker.begin()["id"]
    maker.describe(id, {f"r{n}": {"digest": "e", "ref": "s3://bucket/key", "size": 2**62 - 1} for n in range(3)})

    assert maker.commit(id).status_code == 200
    found = maker.read(id)
    assert found is not None
    assert found["size"] == 2**63 - 1


def test_committing_twice_changes_nothing(maker: Maker) -> None:
    id = maker.log({"a": b"a"})
    before = maker.read(id)

    assert maker.commit(id).status_code == 200

    assert before is not None
    after = maker.read(id)
    assert after is not None
    assert (after["versionIndex"], after["digest"]) == (0, before["digest"])


def test_a_program_that_asks_again_for_its_version_gets_the_same(maker: Maker) -> None:
    once, again = (maker.begin(clientID="c" * 128)["id"] for _ in range(2))

    assert once == again


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"/etc/passwd": b"a"}, "must be relative"),
        ({"a/../../b": b"a"}, "must be relative"),
        ({"a": {"digest": "no MD5", "size": 1}}, "base64 of its MD5"),
        ({"a": {"digest": digest_of(b""), "size": -1}}, "must be a number of bytes"),
        ({"a": {"size": 1}}, "needs a `digest`"),
        ({"a": ["no object"]}, "is no object"),
        ({"a": {"digest": "x", "ref": "s3://" + "a" * 20_000}}, "at most 16384 characters"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(maker: Maker, contents: dict[str, Any], message: str) -> None:
    """W&B's client shows this reply as it is."""
    id = maker.begin()["id"]

    assert message in refusal(maker.manifest(id, contents))
    assert "no manifest" in refusal(maker.commit(id))
    assert pending(maker, id)


@pytest.mark.parametrize(
    "given",
    [
        {"artifactCollectionName": "a/b"},
        {"artifactTypeName": ""},
        {"storageRegion": "x"},
        {"digestAlgorithm": "MANIFEST_XXH128"},
    ],
)
def test_a_name_that_cannot_be_is_refused_at_once(maker: Maker, given: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match=r"must have|storage region|MANIFEST_MD5"):
        maker.begin(**given)


def test_what_a_broken_off_upload_left_goes_after_a_week(maker: Maker, clock: Clock) -> None:
    id = maker.begin()["id"]
    maker.send(id, {"a": b"left", "b": b"behind"})
    maker.log({"b": b"behind"})
    maker.wb.look()
    assert len(maker.bytes_stored()) == 2

    clock.pass_s(A_WEEK_S + 1)

    until(lambda: len(maker.bytes_stored()) == 1)
    assert maker.read(id) is None


@pytest.mark.feature("TTL that has passed")
def test_a_version_goes_when_its_time_to_live_has_passed(maker: Maker, clock: Clock) -> None:
    ids = [maker.log({"a": str(ttl_s).encode()}, ttlDurationSeconds=ttl_s) for ttl_s in (60, 3600, -1, -2, None)]
    maker.wb.look()
    assert all(maker.read(id) for id in ids)

    clock.pass_s(61)
    maker.wb.look()

    assert [maker.read(id) is None for id in ids] == [True, False, False, False, False]
    assert len(maker.bytes_stored()) == 4


def test_a_version_that_is_in_use_outlives_its_time_to_live(maker: Maker, clock: Clock) -> None:
    maker.wb.begin("r")
    taken, linked, referred_to = (maker.log({"a": name}, ttlDurationSeconds=60) for name in (b"1", b"2", b"3"))
    place = {"entityName": "local", "projectName": "p"}
    maker.wb.ask(USE, input=place | {"runName": "r", "artifactID": taken})
    maker.wb.ask(LINK, input=place | {"artifactPortfolioName": "shelf", "artifactID": linked})
    referring = maker.refer_to(referred_to, Maker(maker.wb, "referring"))

    clock.pass_s(61)
    maker.wb.look()

    assert all(maker.read(id) for id in (taken, linked, referred_to))
    maker.wb.finish("r")
    maker.delete(referring)
    maker.wb.look()
    assert [maker.read(id) is None for id in (taken, linked, referred_to)] == [True, False, True]


def test_the_last_version_that_has_a_content_takes_it_along(maker: Maker) -> None:
    first = maker.log({"a": b"shared", "b": b"alone"})
    second = maker.log({"a": b"shared"})

    assert maker.delete(first).status_code == 200
    until(lambda: len(maker.bytes_stored()) == 1)
    assert maker.download(second) == {"a": b"shared"}
    assert maker.delete(second).status_code == 200
    until(lambda: maker.bytes_stored() == [])


def test_a_content_that_is_sent_again_after_its_deletion_keeps_its_bytes(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock, tick_s=3600.0) as wb:
        maker = Maker(wb)
        maker.delete(maker.log({"a": b"again"}))
        id = maker.log({"a": b"again"})

    with speaking(tmp_path / "data", clock) as wb:
        wb.look()

        assert Maker(wb).download(id) == {"a": b"again"}


def test_bytes_whose_row_was_lost_are_asked_for_again(maker: Maker, clock: Clock) -> None:
    """What a server leaves that is killed between the two."""
    id = maker.begin()["id"]
    (address,) = maker.addresses(id, {"a": b"a"})
    left = maker.wb.settings.artifacts / digest_hex(b"a")[:2] / digest_hex(b"a")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    assert maker.addresses(id, {"a": b"a"}) == [address]
    maker.send(id, {"a": b"a"})
    assert left.read_bytes() == b"a"
    other = Maker(maker.wb, "other").begin()["id"]
    maker.addresses(other, {"c": b"c"})
    lost = left.parent.parent / digest_hex(b"c")[:2] / digest_hex(b"c")
    lost.parent.mkdir(parents=True, exist_ok=True)
    lost.write_bytes(b"c")
    clock.pass_s(A_WEEK_S + 1)
    until(lambda: not lost.exists())


def test_a_version_to_whose_files_another_refers_stays(maker: Maker) -> None:
    source = maker.log({"a": b"a"})
    id = maker.refer_to(source, Maker(maker.wb, "referring"))

    assert "referring:v0 refers to files of it" in refusal(maker.delete(source))
    assert maker.delete(id).status_code == 200
    assert maker.delete(source).status_code == 200


def test_a_deleted_versions_id_is_nothing_and_never_another_ones(maker: Maker) -> None:
    old = maker.log({"a": b"a"})
    maker.delete(old)
    new = maker.log({"a": b"a"})

    assert new != old
    assert maker.read(old) is None
    assert "/" not in new
    assert "there is no artifact" in refusal(maker.delete(old))
    assert "there is no artifact" in refusal(maker.commit(old))


def test_a_files_own_address_needs_the_key_and_a_version_that_has_it(maker: Maker) -> None:
    id, md5 = maker.log({"a.txt": b"a"}), digest_hex(b"a")
    other = Maker(maker.wb, "other").log({"b": b"b"})
    get, key = maker.wb.http.get, maker.wb.headers

    assert get(f"/artifactsV2/default/local/p/data/{id}/{id}/{md5}/a.txt", headers=key).content == b"a"
    assert get(f"/artifactsV2/default/local/p/data/{id}/{md5}/a.txt", headers=key).content == b"a"
    assert get(f"/artifactsV2/default/local/p/data/{id}/{id}/{md5}/a.txt").status_code == 401
    assert get(f"/artifactsV2/default/local/p/data/{other}/{id}/{md5}/a.txt", headers=key).status_code == 404
    assert get(f"/artifactsV2/default/local/p/other/{id}/{md5}/a.txt", headers=key).status_code == 404
    assert get(f"/artifactsV2/default/else/p/data/{id}/{md5}/a.txt", headers=key).status_code == 404


def test_an_increment_on_a_deleted_version_is_refused(maker: Maker) -> None:
    base, id = maker.log({"a": b"a"}), maker.begin()["id"]
    maker.send(id, {"b": b"b"})
    maker.describe(id, {"b": b"b"}, "INCREMENTAL", base)
    maker.delete(base)

    assert "stands on is deleted" in refusal(maker.commit(id))


def test_a_run_that_is_deleted_leaves_its_artifacts_made_by_nobody(maker: Maker) -> None:
    maker.wb.begin("r")
    id = maker.log({"a": b"a"}, runName="r")
    maker.wb.post(
        "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=maker.wb.field("r", "id")
    )

    assert maker.download(id) == {"a": b"a"}
    assert maker.wb.ask("query ($id: ID!) { artifact(id: $id) { createdBy { __typename } } }", id=id) == {
        "artifact": {"createdBy": None}
    }


def test_what_was_sent_before_a_kill_need_not_be_sent_again(own_server: RunningServer, clock: Clock) -> None:
    with httpx2.Client(base_url=own_server.url) as http:
        maker = Maker(Speaker(http, own_server.api_key, clock, Settings(data=own_server.data)))
        id = maker.begin()["id"]
        maker.send(id, {"a": b"before"})
        own_server.kill()
        own_server.start()

        assert pending(maker, id)
        assert maker.addresses(id, {"a": b"before"}) == [None]
        maker.describe(id, {"a": b"before"})
        assert maker.commit(id).status_code == 200
        own_server.kill()
        own_server.start()
        assert maker.download(id) == {"a": b"before"}


def pending(maker: Maker, id: str) -> bool:
    """Not committed, and so in no list."""
    found = maker.read(id)
    listed = maker.wb.ask('{ project(name: "p") { artifactCollectionMembership(name: "data") { id } } }')
    return bool(found and found["state"] == "PENDING") and listed["project"]["artifactCollectionMembership"] is None


def digest_hex(content: bytes) -> str:
    return base64.b64decode(digest_of(content)).hex()
