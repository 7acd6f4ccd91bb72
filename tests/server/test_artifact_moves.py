"""Versions and collections request by request: what moves, what is refused, and in which words."""

import json
from typing import Any

import pytest

from tests.server.maker import MANIFEST, Maker, digest_of, refusal

CALL = "mutation ($input: {name}Input!) {{ {field}(input: $input) {{ {selection} }} }}"
COLLECTION = "artifactCollection { id __typename state name description }"
READ = """query ($name: String!) { project(name: "p") { artifactCollection(name: $name) {
    id __typename state name description defaultArtifactType { name } tags { edges { node { name } } }
    aliases { edges { node { alias } } } artifacts { totalCount edges { version node { id } } } } } }"""


@pytest.fixture
def maker(wb: Any) -> Maker:
    return Maker(wb)


def call(maker: Maker, field: str, selection: str = "success", type: str | None = None, **input: Any) -> Any:
    """The reply to one mutation."""
    name = type or field[0].upper() + field[1:]
    return maker.wb.post(CALL.format(name=name, field=field, selection=selection), input=input)


def collection(maker: Maker, name: str = "data") -> dict[str, Any] | None:
    found: dict[str, Any] | None = maker.wb.ask(READ, name=name)["project"]["artifactCollection"]
    return found


def id_of(maker: Maker, name: str = "data") -> str:
    found = collection(maker, name)
    assert found is not None
    return str(found["id"])


def alias_input(alias: str, name: str = "data") -> dict[str, str]:
    return {"entityName": "local", "projectName": "p", "artifactCollectionName": name, "alias": alias}


def aliases_of(maker: Maker, id: str) -> list[str]:
    found = maker.read(id)
    assert found is not None
    return sorted(alias["alias"] for alias in found["aliases"])


def link(maker: Maker, id: str, name: str = "shelf", aliases: tuple[str, ...] = (), **target: Any) -> Any:
    told = [{"artifactCollectionName": name, "alias": alias} for alias in aliases]
    given = {"artifactID": id, "artifactPortfolioName": name, "entityName": "local", "projectName": "p"} | target
    return call(maker, "linkArtifact", "versionIndex artifactMembership { aliases { alias } }", aliases=told, **given)


def test_aliases_are_added_taken_away_and_set(maker: Maker) -> None:
    first, second = maker.log({"a": b"1"}), maker.log({"a": b"2"})

    assert call(maker, "addAliases", artifactID=first, aliases=[alias_input("x")]).status_code == 200
    assert call(maker, "addAliases", artifactID=second, aliases=[alias_input("x")]).status_code == 200
    assert (aliases_of(maker, first), aliases_of(maker, second)) == ([], ["latest", "x"])
    assert call(maker, "deleteAliases", artifactID=second, aliases=[alias_input("x")]).status_code == 200
    told = [{"artifactCollectionName": "data", "alias": alias} for alias in ("y", "z")]
    assert call(maker, "updateArtifact", "artifact { id }", artifactID=second, aliases=told).status_code == 200
    assert aliases_of(maker, second) == ["y", "z"]


def test_an_alias_that_cannot_be_is_refused(maker: Maker) -> None:
    id, other = maker.log({"a": b"1"}), Maker(maker.wb, "other").log({"a": b"1"})

    number = call(maker, "addAliases", artifactID=id, aliases=[alias_input("v1")])
    colon = call(maker, "addAliases", artifactID=id, aliases=[alias_input("a:b")])
    elsewhere = call(maker, "addAliases", artifactID=other, aliases=[alias_input("x")])
    nowhere = call(maker, "addAliases", artifactID=id, aliases=[alias_input("x", "none")])

    assert "a version's own number" in refusal(number)
    assert "no / or :" in refusal(colon)
    assert "is not in 'data'" in refusal(elsewhere)
    assert "there is no collection local/p/none" in refusal(nowhere)


def test_a_version_is_stored_though_an_alias_looks_like_a_number_and_its_program_is_told(maker: Maker) -> None:
    told = [{"artifactCollectionName": "data", "alias": alias} for alias in ("v7", "good")]
    id = maker.begin(aliases=told)["id"]
    maker.describe(id, {})

    replies = [maker.commit(id), maker.commit(id)]

    for reply in replies:
        assert "the artifact is stored, but not under the aliases 'v7'" in refusal(reply)
    found = maker.read(id) or {}
    assert (found["state"], aliases_of(maker, id)) == ("COMMITTED", ["good"])
    with pytest.raises(AssertionError, match="not under the aliases 'v7'"):
        maker.begin(found["digest"], aliases=told)


def test_tags_come_and_go_and_must_be_words(maker: Maker) -> None:
    id = maker.log({"a": b"1"}, tags=[{"tagName": "one"}], sequenceClientID="s" * 128)
    update: dict[str, Any] = {"artifactID": id, "tagsToAdd": [{"tagName": "two"}], "tagsToDelete": [{"tagName": "one"}]}
    shown = "artifact { tags { name } description ttlDurationSeconds ttlIsInherited }"

    changed = call(maker, "updateArtifact", shown, **update, description="d", ttlDurationSeconds=60)
    wrong = call(maker, "updateArtifact", shown, artifactID=id, tagsToAdd=[{"tagName": "no, tag"}])

    told = {"tags": [{"name": "two"}], "description": "d", "ttlDurationSeconds": 60, "ttlIsInherited": False}
    assert changed.json()["data"]["updateArtifact"]["artifact"] == told
    assert "a tag is words" in refusal(wrong)


def test_the_same_content_takes_the_aliases_of_a_newer_version(maker: Maker) -> None:
    id = maker.log({"a": b"1"})
    digest = (maker.read(id) or {})["digest"]
    maker.log({"a": b"2"})

    twin = maker.begin(digest)

    assert (twin["id"], twin["state"], aliases_of(maker, id)) == (id, "COMMITTED", ["latest"])
    assert maker.begin(digest, enableDigestDeduplication=False)["id"] != id


def test_programs_that_log_the_same_at_once_make_one_version(maker: Maker) -> None:
    for run in ("first", "second"):
        maker.wb.begin(run)
    ids = [begun_by(maker, run, {"a": b"same"}) for run in ("first", "second")]
    assert ids[0] != ids[1]

    codes = [maker.commit(id).status_code for id in (*ids, *ids)]

    assert codes == [200] * 4
    (first, second) = ((maker.read(id) or {}) for id in ids)
    assert (first["id"], first["versionIndex"]) == (second["id"], second["versionIndex"]) == (ids[0], 0)
    assert aliases_of(maker, ids[1]) == ["first", "latest", "second"]
    assert (collection(maker) or {})["artifacts"]["totalCount"] == 1
    made = [maker.wb.field(run, "outputArtifacts { totalCount }")["totalCount"] for run in ("first", "second")]
    assert made == [1, 1]
    assert "there is no artifact" in refusal(maker.delete(ids[1]) and maker.delete(ids[1]))


def test_a_reference_into_what_became_another_version_leads_there(maker: Maker) -> None:
    one, two = (begun_by(maker, None, {"a": b"a"}) for _ in range(2))
    early = maker.refer_to(two, Maker(maker.wb, "early"))
    for id in (one, two):
        maker.commit(id)
    late = maker.refer_to(two, Maker(maker.wb, "late"))

    for referring, name in ((early, "early"), (late, "late")):
        assert f"{name}:v0 refers to files of it" in refusal(maker.delete(one))
        maker.delete(referring)


def test_the_same_content_is_two_versions_if_that_is_asked_for(maker: Maker) -> None:
    ids = [begun_by(maker, None, {"a": b"same"}, enableDigestDeduplication=False) for _ in range(2)]

    assert [maker.commit(id).json()["data"]["commitArtifact"]["artifact"]["versionIndex"] for id in ids] == [0, 1]


def begun_by(maker: Maker, run: str | None, contents: dict[str, bytes], **given: Any) -> str:
    """A version that is all there but for its commit."""
    aliases = [{"artifactCollectionName": "data", "alias": alias} for alias in ("latest", run) if alias]
    id: str = maker.begin(runName=run, aliases=aliases, **given)["id"]
    maker.send(id, contents)
    maker.describe(id, contents)
    return id


def test_programs_that_write_together_add_to_one_version(maker: Maker) -> None:
    more = [{"artifactCollectionName": "data", "alias": "both"}]
    one = maker.begin("1" * 32, distributedID="d")["id"]
    assert maker.begin("2" * 32, distributedID="d", aliases=more)["id"] == one
    for name in ("a", "b"):
        maker.send(one, {name: name.encode()})
        maker.describe(one, {name: name.encode()}, "PATCH")

    assert maker.commit(one).status_code == 200

    assert maker.download(one) == {"a": b"a", "b": b"b"}
    assert aliases_of(maker, one) == ["both", "latest"]
    assert maker.begin("3" * 32, distributedID="d")["id"] != one


def test_an_increment_adds_to_its_base_or_to_nothing(maker: Maker) -> None:
    base, alone, on_base = maker.log({"a": b"a"}), maker.begin("1" * 32)["id"], maker.begin("2" * 32)["id"]
    for id, of in ((alone, None), (on_base, base)):
        maker.send(id, {"b": b"b"})
        maker.describe(id, {"b": b"b"}, "INCREMENTAL", of)
        assert maker.commit(id).status_code == 200

    assert (maker.download(alone), maker.download(on_base)) == ({"b": b"b"}, {"a": b"a", "b": b"b"})


def test_a_manifest_holds_the_bytes_that_were_promised(maker: Maker) -> None:
    id, body = maker.begin()["id"], json.dumps({"contents": {}}).encode()
    names = {"entityName": "local", "projectName": "p", "runName": "r", "name": "m", "type": "FULL", "digest": ""}
    made = maker.wb.ask(MANIFEST, input=names | {"artifactID": id})["createArtifactManifest"]["artifactManifest"]
    shown = "artifactManifest { file { uploadUrl } }"
    update = {"type": "UpdateArtifactManifest", "artifactManifestID": made["id"], "digest": digest_of(body)}
    reply = call(maker, "updateArtifactManifest", shown, **update)
    address = reply.json()["data"]["updateArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"]
    put = maker.wb.http.put

    assert "promised was" in refusal(put(address, content=b"other"))
    assert put(address, content=body).status_code == 200
    assert maker.commit(id).status_code == 200
    assert "any more" in refusal(put(address, content=body))
    assert "any more" in refusal(call(maker, "updateArtifactManifest", shown, **update))
    committed = maker.wb.post(MANIFEST, input=names | {"artifactID": id})
    assert "log the artifact again to change it" in refusal(committed)


def test_a_manifest_told_again_keeps_what_was_uploaded_and_one_of_other_bytes_waits(maker: Maker) -> None:
    a = {"digest": digest_of(b"a"), "size": 1}
    id, body = maker.begin()["id"], json.dumps({"version": 1, "contents": {"a": a}}).encode()
    maker.send(id, {"a": b"a"})
    names = {"entityName": "local", "projectName": "p", "runName": "r", "name": "m", "type": "FULL", "artifactID": id}
    made = maker.wb.ask(MANIFEST, input=names | {"digest": digest_of(body)})["createArtifactManifest"][
        "artifactManifest"
    ]
    assert maker.wb.http.put(made["file"]["uploadUrl"], content=body).status_code == 200

    def tell(digest: str) -> None:
        update = {"type": "UpdateArtifactManifest", "artifactManifestID": made["id"], "digest": digest}
        assert call(maker, "updateArtifactManifest", "artifactManifest { id }", **update).status_code == 200

    tell(digest_of(b"other"))
    assert "no manifest of this version was uploaded" in refusal(maker.commit(id))
    tell(digest_of(body))
    assert maker.wb.http.put(made["file"]["uploadUrl"], content=body).status_code == 200
    tell(digest_of(body))

    assert maker.commit(id).status_code == 200
    assert maker.download(id) == {"a": b"a"}


def test_bytes_for_a_version_that_is_gone_are_refused(maker: Maker) -> None:
    id = maker.begin()["id"]
    (address,) = maker.addresses(id, {"a": b"a"})
    maker.delete(id)

    assert "no version" in refusal(maker.wb.http.put(str(address), content=b"a"))
    assert maker.bytes_stored() == []


def test_a_link_has_its_own_numbers_and_aliases(maker: Maker) -> None:
    first, second = maker.log({"a": b"1"}), maker.log({"a": b"2"})

    linked = [
        link(maker, id, aliases=("good",)).json()["data"]["linkArtifact"]["versionIndex"] for id in (second, first)
    ]
    again = link(maker, second).json()["data"]["linkArtifact"]

    assert linked == [0, 1]
    assert again == {"versionIndex": 0, "artifactMembership": {"aliases": [{"alias": "latest"}]}}
    portfolio = id_of(maker, "shelf")
    assert call(maker, "unlinkArtifact", artifactID=second, artifactPortfolioID=portfolio).status_code == 200
    assert aliases_of(maker, first) == ["good", "latest"]
    gone = call(maker, "unlinkArtifact", artifactID=second, artifactPortfolioID=portfolio)
    assert "is not linked to 'shelf'" in refusal(gone)
    assert call(maker, "deleteAliases", artifactID=first, aliases=[alias_input("latest", "shelf")]).status_code == 200
    assert call(maker, "unlinkArtifact", artifactID=first, artifactPortfolioID=portfolio).status_code == 200
    own = call(maker, "unlinkArtifact", artifactID=second, artifactPortfolioID=id_of(maker))
    assert "'data' owns this version" in refusal(own)


def test_what_cannot_be_linked_is_refused(maker: Maker) -> None:
    id, unfinished = maker.log({"a": b"1"}), maker.begin()["id"]

    assert "is not committed yet" in refusal(link(maker, unfinished))
    assert "a collection of artifacts" in refusal(link(maker, id, "data"))
    assert "needs the name" in refusal(link(maker, id, ""))
    assert "no artifact of this client id" in refusal(link(maker, "", clientID="none"))
    assert link(maker, id).status_code == 200
    model = Maker(maker.wb, "model").log({"a": b"1"}, artifactTypeName="model")
    assert "already exists with type 'dataset'" in refusal(link(maker, model))
    by_id = link(maker, id, artifactPortfolioID=id_of(maker, "shelf"))
    assert by_id.json()["data"]["linkArtifact"]["versionIndex"] == 0


def test_a_collection_is_renamed_described_retyped_and_tagged(maker: Maker) -> None:
    maker.log({"a": b"1"})
    Maker(maker.wb, "taken").log({"a": b"1"})
    id, named = id_of(maker), {"entityName": "local", "projectName": "p", "artifactCollectionName": "new"}

    taken = call(maker, "updateArtifactSequence", COLLECTION, artifactSequenceID=id, name="taken")
    renamed = call(maker, "updateArtifactSequence", COLLECTION, artifactSequenceID=id, name="new", description="d")
    to = {"artifactSequenceID": id, "destinationArtifactTypeName": "other"}
    assert call(maker, "moveArtifactSequence", COLLECTION, **to).status_code == 200
    for field, tags in (("create", ["t", "u"]), ("delete", ["u"])):
        told: dict[str, Any] = named | {"tags": [{"tagName": tag} for tag in tags]}
        shown = "tags { name }" if field == "create" else "success"
        assert call(maker, f"{field}ArtifactCollectionTagAssignments", shown, **told).status_code == 200

    assert "another collection of the name 'taken'" in refusal(taken)
    assert renamed.status_code == 200
    found = collection(maker, "new") or {}
    assert (found["description"], found["defaultArtifactType"]) == ("d", {"name": "other"})
    assert found["tags"]["edges"] == [{"node": {"name": "t"}}]


def test_a_collection_goes_with_its_versions_or_its_links(maker: Maker) -> None:
    id = maker.log({"a": b"1"})
    link(maker, id)
    link(maker, id, "rack")
    portfolio = call(maker, "deleteArtifactPortfolio", COLLECTION, artifactPortfolioID=id_of(maker, "shelf"))
    shown = portfolio.json()["data"]["deleteArtifactPortfolio"]["artifactCollection"]
    assert (shown["__typename"], shown["state"]) == ("ArtifactPortfolio", "DELETED")
    assert maker.read(id) is not None

    assert call(maker, "deleteArtifactSequence", COLLECTION, artifactSequenceID=id_of(maker)).status_code == 200

    assert (maker.read(id), collection(maker)) == (None, None)
    assert (collection(maker, "rack") or {})["artifacts"]["totalCount"] == 0


def test_a_version_goes_with_its_aliases_only_if_asked(maker: Maker) -> None:
    first, second = maker.log({"a": b"1"}), maker.log({"a": b"2"})

    assert "delete_aliases=True" in refusal(maker.delete(second, aliases=False))
    assert maker.delete(second).json()["data"]["deleteArtifact"]["artifact"] == {"id": second, "state": "DELETED"}
    assert aliases_of(maker, first) == ["latest"]


def test_a_run_is_deleted_with_what_it_made_but_for_what_others_refer_to(maker: Maker) -> None:
    maker.wb.begin("r")
    alone, base = maker.log({"a": b"1"}, runName="r"), maker.log({"a": b"2"}, runName="r")
    used = {"entityName": "local", "projectName": "p", "runName": "r", "artifactID": base}
    assert call(maker, "useArtifact", "artifact { id usedBy { edges { node { name } } } }", **used).status_code == 200
    maker.refer_to(base, Maker(maker.wb, "referring"))

    delete = "mutation ($id: ID!) { deleteRun(input: {id: $id, deleteArtifacts: true}) { clientMutationId } }"
    maker.wb.ask(delete, id=maker.wb.field("r", "id"))

    assert (maker.read(alone), maker.download(base)) == (None, {"a": b"2"})
