"""Users come, go and get keys by commands; a server at work knows at once."""

import hashlib
from pathlib import Path

import pytest

from tests.server.people import CONTENT, add_user, command, error, key_of, upload, with_key
from tests.server.speaker import GRID, Clock, Speaker, speaking

VIEWER = "{ viewer { username admin teams { edges { node { name isTeam } } } } }"


UPLOAD = """mutation { createRunFiles(input: {entityName: "alice", projectName: "p", runName: "run",
    files: ["own.txt"]}) { files { uploadUrl } } }"""


def viewer(wb: Speaker) -> tuple[str, list[str]]:
    told = wb.ask(VIEWER)["viewer"]
    return told["username"], [edge["node"]["name"] for edge in told["teams"]["edges"]]


def test_a_key_is_printed_once_and_kept_as_a_hash_alone(wb: Speaker) -> None:
    added = command(wb.settings.data, "user", "add", "alice")

    key = key_of(added.output)
    assert viewer(with_key(wb, key)) == ("alice", ["alice"])
    kept = b"".join(path.read_bytes() for path in wb.settings.data.rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert hashlib.sha256(key.encode()).hexdigest().encode() in kept
    assert key not in command(wb.settings.data, "user", "list").output


def test_a_new_key_ends_the_old_one_and_a_removed_user_has_none(wb: Speaker) -> None:
    alice = add_user(wb, "alice")
    new = with_key(wb, key_of(command(wb.settings.data, "user", "key", "alice").output))
    assert (alice.post(VIEWER).status_code, viewer(new)[0]) == (401, "alice")

    command(wb.settings.data, "user", "remove", "alice")

    assert new.post(VIEWER).status_code == 401
    assert command(wb.settings.data, "user", "list").output.startswith("no users")


def test_without_users_the_one_key_makes_any_entity(wb: Speaker) -> None:
    wb.begin("run", entityName="anybody")

    assert viewer(wb) == ("local", ["local"])
    assert wb.ask('{ project(name: "p", entityName: "anybody") { run(name: "run") { user { name } } } }') == {
        "project": {"run": {"user": {"name": "local"}}}
    }


def test_a_team_sees_what_its_members_make_in_it_and_who_made_it(wb: Speaker) -> None:
    alice, bob, carol = (add_user(wb, name) for name in ("alice", "bob", "carol"))
    assert command(wb.settings.data, "team", "add", "lab", "alice", "bob").exit_code == 0
    alice.begin("ours", entityName="lab")
    asked = '{ project(name: "p", entityName: "lab") { run(name: "ours") { user { username } } } }'

    assert bob.ask(asked)["project"]["run"] == {"user": {"username": "alice"}}
    assert (viewer(bob), carol.ask(asked)["project"]) == (("bob", ["bob", "lab"]), None)
    assert bob.begin("ours", entityName="lab", notes="seen")["inserted"] is False
    assert command(wb.settings.data, "team", "list").output == "lab  alice, bob\n"

    command(wb.settings.data, "team", "remove", "lab", "bob")

    assert bob.ask(asked)["project"] is None


def test_a_reader_changes_nothing_and_an_admin_sees_everything(wb: Speaker) -> None:
    alice, reader, admin = add_user(wb, "alice"), add_user(wb, "reader", "read"), add_user(wb, "boss", "admin")
    command(wb.settings.data, "team", "add", "lab", "alice", "reader")
    alice.begin("ours", entityName="lab")
    stream = {"complete": True, "exitcode": 0}

    refused = reader.post('mutation { upsertBucket(input: {name: "x"}) { inserted } }')
    refused_stream = wb.http.post("/files/lab/p/ours/file_stream", json=stream, headers=reader.headers)

    assert {refused.status_code, refused_stream.status_code} == {403}
    assert error(refused) == "the key of reader only reads: ask for the role `run`"
    shown = '{ project(name: "p", entityName: "lab") { run(name: "ours") { state } } }'
    assert reader.ask(shown) == admin.ask(shown) == {"project": {"run": {"state": "running"}}}
    assert admin.begin("ours", entityName="lab")["inserted"] is False
    unknown = admin.post('{ entity(name: "nobody") { name } }')
    assert error(unknown) == "there is no entity 'nobody': no user or team has this name"
    command(wb.settings.data, "user", "role", "reader", "run")
    assert reader.begin("mine")["inserted"]


def test_an_entity_of_others_is_told_as_one_that_is_not_there(wb: Speaker) -> None:
    bob = add_user(wb, "bob")
    add_user(wb, "alice")
    document = 'mutation ($entity: String) { upsertModel(input: {name: "p", entityName: $entity}) { inserted } }'

    told = {entity: error(bob.post(document, entity=entity)) for entity in ("alice", "nobody")}

    assert told == {name: f"there is no entity {name!r} for this key; it has bob" for name in told}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("user", "remove", "alcie"), "there is no user 'alcie'; did you mean 'alice'?"),
        (("user", "key", "zoe"), "there is no user 'zoe'; there is: alice"),
        (("team", "add", "lab", "alise"), "there is no user 'alise'; did you mean 'alice'?"),
        (("team", "remove", "leb", "alice"), "there is no team 'leb'; did you mean 'lab'?"),
        (("team", "remove", "lab", "bob"), "there is no user in lab 'bob'; there is: alice"),
        (("team", "add", "alice", "alice"), "'alice' is a user: a team needs a name of its own"),
        (("user", "add", "alice"), "there is a user 'alice' already: `user key alice` gives another key"),
        (("user", "add", "lab"), "'lab' is a team: a user needs a name of its own"),
        (("user", "add", "Al/ice"), "'Al/ice' cannot be a name; allowed: up to 64 small letters, digits, - and _"),
        (("user", "add", "storage"), "'storage' cannot be a name: the server has pages of its own there"),
    ],
)
def test_a_wrong_name_is_told_in_a_line(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    data = tmp_path / "data"
    command(data, "user", "add", "alice")
    command(data, "team", "add", "lab", "alice")

    done = command(data, *words)

    assert done.exit_code == 2
    assert done.output.startswith(f"Error: {told}")
    assert len(done.output.splitlines()) == 1


def test_bytes_of_others_are_not_had_by_their_digest(wb: Speaker) -> None:
    """What is stored once for all is sent by each who does not have it: a digest alone opens nothing."""
    from tests.server.maker import Maker, refusal

    alice, bob = add_user(wb, "alice"), add_user(wb, "bob")
    Maker(alice).log({"a": CONTENT}, entityName="alice")
    thief, honest = Maker(bob, "stolen"), Maker(bob, "own")
    id = thief.begin(entityName="bob")["id"]
    assert thief.addresses(id, {"a": CONTENT}) != [None]
    thief.describe(id, {"a": CONTENT})

    assert "were not uploaded" in refusal(thief.commit(id))

    given_up = honest.begin(entityName="bob")["id"]
    (address,) = honest.addresses(given_up, {"a": CONTENT})
    assert address
    honest.delete(given_up)
    assert wb.http.put(address, content=CONTENT).status_code == 404
    assert honest.download(honest.log({"a": CONTENT}, entityName="bob")) == {"a": CONTENT}
    assert Maker(bob, "again").addresses(Maker(bob, "again").begin(entityName="bob")["id"], {"a": CONTENT}) == [None]
    assert len(honest.bytes_stored()) == 1


def test_file_addresses_end_with_the_key_that_they_were_given_to(wb: Speaker) -> None:
    alice = add_user(wb, "alice")
    alice.begin("run")
    upload(alice, "alice", "run", "own.txt")
    asked = '{ project(name: "p") { run(name: "run") { files { edges { node { directUrl } } } } } }'
    (edge,) = alice.ask(asked)["project"]["run"]["files"]["edges"]
    address = edge["node"]["directUrl"]
    assert wb.http.get(address).content == CONTENT
    (made,) = alice.ask(UPLOAD)["createRunFiles"]["files"]
    other = address.replace("by=user-1-", "by=user-2-")
    assert other != address
    assert wb.http.get(other).status_code == 403

    command(wb.settings.data, "user", "key", "alice")

    assert wb.http.get(address).status_code == 404
    assert wb.http.put(made["uploadUrl"], content=b"x").status_code == 401


def test_users_live_on_after_a_restart_and_own_their_sweeps_runs(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        alice = add_user(wb, "alice")
        sweep = alice.register(GRID)
        taken = alice.beat(alice.agent(sweep))["run_id"]
    with speaking(tmp_path / "data", clock) as again:
        alice.http = again.http

        found = alice.ask(f'{{ project(name: "p") {{ run(name: "{taken}") {{ user {{ name }} }} }} }}')

    assert found["project"]["run"] == {"user": {"name": "alice"}}
