"""What people see of artifacts, where links lead to, what is saved, and who may."""

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from server.ledger.artifacts import content
from tests.server.maker import Maker, digest_of
from tests.server.one_step import Client
from tests.server.shelf import BASE, Seen
from tests.server.speaker import Speaker

USE = "mutation ($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }"
LINK = "mutation ($input: LinkArtifactInput!) { linkArtifact(input: $input) { versionIndex } }"
EVIL = '<script>alert("x")</script>'
DATA = "/local/p/artifacts/dataset/data"
SWEEP: dict[str, Any] = {
    "method": "grid",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"units": {"values": [8, 16, 32]}},
}


@pytest.fixture
def maker(wb: Speaker) -> Maker:
    wb.begin("r")
    return Maker(wb)


def look(wb: Speaker, path: str, status: int = 200) -> Seen:
    """A page, wherever its address leads to."""
    answer = wb.http.get(path, headers=wb.headers)
    assert answer.status_code == status, answer.text
    return Seen(answer.text)


def led_to(wb: Speaker, path: str) -> str:
    answer = wb.http.get(path, headers=wb.headers)
    assert answer.status_code == 200, answer.text
    return answer.url.raw_path.decode()


def saved(wb: Speaker, page: str, name: str) -> Any:
    """The answer to a file's link on a page."""
    link = f"{page}/file?{urlencode({'path': name})}"
    assert link in look(wb, page).links
    return wb.http.get(link, headers=wb.headers)


def take(wb: Speaker, run: str, id: str) -> None:
    wb.ask(USE, input={"entityName": "local", "projectName": "p", "runName": run, "artifactID": id})


def alias(maker: Maker, *names: str) -> list[dict[str, str]]:
    return [{"artifactCollectionName": maker.name, "alias": name} for name in names]


def model_of(wb: Speaker, sweep: str) -> list[str]:
    return [link for link in look(wb, f"/local/p/sweeps/{sweep}").links if "/artifacts/" in link]


def test_a_version_shows_what_it_holds_and_what_was_said_of_it(maker: Maker) -> None:
    maker.log(
        {"a.txt": b"alpha", "deep/er/b.bin": b"b" * 6100},
        runName="r",
        description="First line.\nSecond **line**.",
        metadata=json.dumps({"rows": 3, "from": {"year": 1998}}),
        tags=[{"tagName": "small"}],
        aliases=alias(maker, "latest", "best"),
        ttlDurationSeconds=86_400,
        historyStep=1200,
    )

    page = look(maker.wb, f"{DATA}/v0")

    assert "2 files, 6.1 kB" in page.text
    assert "latest best" in page.text
    assert "tagged small" in page.text
    assert "at step 1,200" in page.text
    assert "kept at least until" in page.text
    assert "First line. Second line" in page.text
    assert "rows 3" in page.text
    assert "from.year 1998" in page.text
    assert "deep/ 1 file, 6.1 kB a.txt 5 B" in page.text
    assert 'run.use_artifact("local/p/data:v0").download()' in page.text


def test_runs_and_versions_lead_to_each_other(maker: Maker) -> None:
    wb = maker.wb
    wb.begin("user")
    first = maker.log({"a": b"1"}, runName="r")
    maker.log({"a": b"2"}, runName="r")
    take(wb, "user", first)

    page = look(wb, f"{DATA}/v0")

    assert {"/local/p/runs/r", "/local/p/runs/user", f"{DATA}/v1", "/local/p/artifacts"} <= set(page.links)
    assert [link for link in look(wb, "/local/p/runs/r").links if link.startswith(DATA)] == [f"{DATA}/v1", f"{DATA}/v0"]
    assert "Made 2" in look(wb, "/local/p/runs/r").text
    assert [link for link in look(wb, "/local/p/runs/user").links if link.startswith(DATA)] == [f"{DATA}/v0"]
    assert "Used 1" in look(wb, "/local/p/runs/user").text
    assert "no run so far" in look(wb, f"{DATA}/v1").text


def test_a_run_of_another_project_is_named_with_it(maker: Maker) -> None:
    maker.wb.begin("guest", project="other")
    id = maker.log({"a": b"1"})
    maker.wb.ask(USE, input={"entityName": "local", "projectName": "other", "runName": "guest", "artifactID": id})

    page = look(maker.wb, f"{DATA}/v0")

    assert "no run, or one that was deleted" in page.text
    assert "/local/other/runs/guest" in page.links
    assert "other," in page.text


def test_a_run_that_logged_very_many_says_how_many_came_before(maker: Maker) -> None:
    for number in range(23):
        maker.log({"a": b"%d" % number}, runName="r")

    page = look(maker.wb, "/local/p/runs/r")

    assert "Made 23" in page.text
    assert "and 3 before" in page.text
    assert len([link for link in page.links if link.startswith(DATA)]) == 20
    assert f"{DATA}/v22" in page.links


def test_versions_come_in_pages_of_which_the_first_shown_has_the_version_itself(maker: Maker) -> None:
    for number in range(23):
        maker.log({"a": b"%d" % number})

    newest, oldest = look(maker.wb, f"{DATA}/v22"), look(maker.wb, f"{DATA}/v1")
    asked = look(maker.wb, f"{DATA}/v1?versions=1")

    assert f"{DATA}/v3" in newest.links
    assert f"{DATA}/v2" not in newest.links
    assert [link for link in oldest.links if re.fullmatch(f"{DATA}/v[0-9]+", link)] == [f"{DATA}/v2", f"{DATA}/v0"]
    assert f"{DATA}/v1?versions=1" in oldest.links
    assert f"{DATA}/v22" in asked.links


@pytest.mark.parametrize("name", ["ü #%x & ?.txt", "deep/er/ü.bin", "./dotted", "a//b", "back\\slash", EVIL])
def test_a_file_is_saved_byte_for_byte_under_its_own_name(maker: Maker, name: str) -> None:
    maker.log({name: b"content"})
    folder = name[: name.rfind("/") + 1]
    page = f"{DATA}/v0?{urlencode({'folder': folder})}" if folder else f"{DATA}/v0"
    link = f"{DATA}/v0/file?{urlencode({'path': name})}"

    answer = maker.wb.http.get(link, headers=maker.wb.headers)

    assert link in look(maker.wb, page).links
    assert answer.content == b"content"
    told = answer.headers["content-disposition"]
    assert told.startswith("attachment; ")
    assert quote(name.rpartition("/")[2]) in told or f'filename="{name.rpartition("/")[2]}"' in told


def test_a_file_that_is_a_page_is_saved_and_never_run(maker: Maker) -> None:
    maker.log({"page.html": EVIL.encode()})

    answer = saved(maker.wb, f"{DATA}/v0", "page.html")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_a_reference_is_text_and_leads_nowhere_but_into_another_artifact(maker: Maker) -> None:
    wb, other = maker.wb, Maker(maker.wb, "other")
    maker.refer_to(maker.log({"a": b"a"}), other)
    id = Maker(wb, "far").begin()["id"]
    refs = ("javascript:alert(1)", "s3://bucket/key", "https://example.invalid/x")
    maker.describe(id, {f"r{n}": {"digest": "e", "ref": ref, "size": 2**62 - 1} for n, ref in enumerate(refs[:2])})
    assert maker.commit(id).status_code == 200

    page, far = look(wb, "/local/p/artifacts/dataset/other/v0"), look(wb, "/local/p/artifacts/dataset/far/v0")

    assert f"{DATA}/v0" in page.links
    assert all(ref in far.text for ref in refs[:2])
    assert not [link for link in far.links if not link.startswith(("/", "#"))]
    for name in ("r0", "r1"):
        assert "keeps no file" in look(wb, f"/local/p/artifacts/dataset/far/v0/file?path={name}", 404).text


def test_odd_names_sizes_and_times_have_a_page(maker: Maker) -> None:
    odd = Maker(maker.wb, "100% ü?#&" + "n" * 118)
    id = odd.begin(ttlDurationSeconds=2**62, runName="r")["id"]
    odd.describe(id, {f"a/{n}": {"digest": "e", "ref": "s3://x", "size": 2**62 - 1} for n in range(3)} | {"b/": b""})
    odd.send(id, {"b/": b""})
    assert odd.commit(id).status_code == 200

    (address,) = (link for link in look(maker.wb, "/local/p/runs/r").links if "/artifacts/" in link)
    (listed,) = (link for link in look(maker.wb, "/local/p/artifacts").links if "dataset" in link)
    page = look(maker.wb, address)

    assert listed == address
    assert f"{odd.name}:v0" in page.text
    assert "kept" not in page.text
    assert "a/ 3 files, 13835058 TB" in page.text
    assert f"{address}/file?path=b%2F" in look(maker.wb, f"{address}?folder=b%2F").links


def test_ten_thousand_files_are_folders_and_pages(maker: Maker) -> None:
    files = {f"train/{number % 10}/{number:05}.png": b"same" for number in range(10_000)} | {"readme": b"same"}
    id = maker.begin()["id"]
    maker.send(id, {"readme": b"same"})
    maker.describe(id, files)
    assert maker.commit(id).status_code == 200

    whole, folder = look(maker.wb, f"{DATA}/v0"), look(maker.wb, f"{DATA}/v0?folder=train%2F3%2F")
    last = look(maker.wb, f"{DATA}/v0?folder=train%2F3%2F&files=10")

    assert "train/ 10,000 files, 40 kB readme 4 B" in whole.text
    assert f"{DATA}/v0?folder=train%2F" in whole.links
    assert "1,000 here, of 10,001 files in all" in folder.text
    assert len([link for link in folder.links if "/file?" in link]) == 100
    assert {f"{DATA}/v0", f"{DATA}/v0?folder=train%2F"} <= set(folder.links)
    assert f"{DATA}/v0?folder=train%2F3%2F&files=10" in folder.links
    assert f"{DATA}/v0/file?path=train%2F3%2F09993.png" in last.links
    assert len(whole.html) < 10_000


def test_what_a_program_says_of_an_artifact_is_text_and_nothing_else(maker: Maker) -> None:
    name = EVIL.replace("/", "|").replace(":", "")
    odd = Maker(maker.wb, name)
    odd.log(
        {f"{EVIL}/{EVIL}": b"1", EVIL.replace("/", ""): b"2", "x" * 1000: b"3"},
        runName="r",
        artifactTypeName=name,
        description=EVIL,
        metadata=json.dumps({EVIL: EVIL, "long": "v" * 100_000} | {f"k{n}": n for n in range(300)}),
        aliases=alias(odd, name),
    )

    addresses = ["/local/p/runs/r", "/local/p/artifacts"]
    addresses += [link for address in addresses for link in look(maker.wb, address).links if "/artifacts/" in link]
    pages = [look(maker.wb, address) for address in addresses]

    assert len({page.text for page in pages}) > 2
    assert "and 102 more" in pages[2].text
    for page in pages:
        assert "<script>" not in page.html
        assert len(page.html) < 60_000


def test_what_is_gone_says_so(maker: Maker) -> None:
    wb = maker.wb
    id = maker.log({"a": b"1"})
    maker.log({"a": b"2"})
    assert maker.delete(id).status_code == 200

    assert "data:v0 was deleted" in look(wb, f"{DATA}/v0", 404).text
    assert "data:v0 was deleted" in look(wb, f"{DATA}/v0/file?path=a", 404).text
    assert "Artifact data has no version v9" in look(wb, f"{DATA}/v9", 404).text
    assert "Artifact data has no version best" in look(wb, f"{DATA}/best", 404).text
    assert "Project p has no artifact nothing" in look(wb, "/local/p/artifacts/dataset/nothing/v0", 404).text
    assert "keeps no file b" in look(wb, f"{DATA}/v1/file?path=b", 404).text
    assert "keeps no file" in look(wb, f"{DATA}/v1/file", 404).text
    assert "nothing here" in look(wb, f"{DATA}/v1?folder=no%2F").text
    content.path_of(wb.settings.artifacts, digest_hex(b"2")).unlink()
    assert "keeps no file a" in look(wb, f"{DATA}/v1/file?path=a", 404).text


def digest_hex(body: bytes) -> str:
    return content.hex_of(digest_of(body))


def test_every_name_of_a_version_leads_to_its_own_address(maker: Maker) -> None:
    id = maker.log({"a": b"1", "b/c": b"2"}, aliases=alias(maker, "latest", "best"))
    found = maker.read(id)
    assert found is not None

    for name in ("best", "latest", "v0", found["digest"]):
        assert led_to(maker.wb, f"{DATA}/{name}?folder=b%2F") == f"{DATA}/v0?folder=b%2F"
    assert led_to(maker.wb, DATA) == f"{DATA}/v0"
    assert led_to(maker.wb, "/local/p/artifacts/model/data/v0") == f"{DATA}/v0"


def test_the_address_that_the_client_gives_a_linked_model_leads_to_it(maker: Maker) -> None:
    id = maker.log({"a": b"1"}, artifactTypeName="model")
    maker.wb.ask(
        LINK,
        input={"artifactID": id, "artifactPortfolioName": "shelf", "entityName": "local", "projectName": "p"}
        | {"aliases": [{"artifactCollectionName": "shelf", "alias": "good"}]},
    )

    linked = f"/local/registry/model?selectionPath={quote('local/p/shelf', safe='')}&view=membership&version=v0"
    page = look(maker.wb, linked)

    assert led_to(maker.wb, linked) == "/local/p/artifacts/model/shelf/v0"
    assert "a link to data :v0" in page.text
    assert "good" in page.text
    assert "Linked as" not in page.text
    assert "/local/p/artifacts/model/data/v0" in page.links
    assert "Linked as" in look(maker.wb, "/local/p/artifacts/model/data/v0").text
    assert "links to versions" in look(maker.wb, "/local/p/artifacts").text
    for path in ("", "local/p", "/evil.invalid/x", "local/p/"):
        look(maker.wb, f"/local/registry/model?selectionPath={quote(path, safe='')}", 404)


def test_a_project_lists_its_artifacts_by_type(maker: Maker) -> None:
    wb = maker.wb
    assert "/local/p/artifacts" not in look(wb, "/local/p").links
    assert "No artifact here" in look(wb, "/local/p/artifacts").text
    for number in range(51):
        Maker(wb, f"d{number}").log({"a": b"1"})
    Maker(wb, "net").log({"a": b"1"}, artifactTypeName="model")
    maker.begin()

    first, second = look(wb, "/local/p/artifacts"), look(wb, "/local/p/artifacts?page=2")
    models = look(wb, "/local/p/artifacts/model")

    assert "52 artifacts" in look(wb, "/local/p").text
    assert "/local/p/artifacts" in look(wb, "/local/p").links
    assert "All 52 dataset 51 model 1" in first.text
    assert len(first.rows("loose collections")) == 50
    assert [row[0] for row in second.rows("loose collections")] == ["d1", "d0"]
    assert models.rows("loose collections")[0][:3] == ["net", "model", "1 version"]
    assert "has no artifact of type table" in look(wb, "/local/p/artifacts/table", 404).text
    look(wb, "/local/nowhere/artifacts", 404)


def test_a_sweep_leads_to_the_model_of_its_best_run(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    agent = wb.agent(sweep)
    poor, best = (wb.do_trial(agent, sweep, val_accuracy=value) for value in (0.6, 0.8))
    model, data = Maker(wb, "net"), Maker(wb, "seen")
    assert model_of(wb, sweep) == []
    data.log({"a": b"1"}, runName=best)
    assert model_of(wb, sweep) == []

    model.log({"a": b"poor"}, runName=poor, artifactTypeName="model")
    model.log({"a": b"best"}, runName=best, artifactTypeName="model", aliases=alias(model, "best"))
    assert model_of(wb, sweep) == ["/local/p/artifacts/model/net/v1"]
    model.log({"a": b"last"}, runName=best, artifactTypeName="model")
    assert model_of(wb, sweep) == ["/local/p/artifacts/model/net/v1"]
    other = Maker(wb, "net2")
    other.log({"a": b"x"}, runName=wb.do_trial(agent, sweep, val_accuracy=0.9), artifactTypeName="model")
    assert model_of(wb, sweep) == ["/local/p/artifacts/model/net2/v0"]


def test_a_guest_sees_what_the_runs_of_the_shared_sweep_made_and_nothing_else(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    run = wb.do_trial(wb.agent(sweep), sweep, val_accuracy=0.6)
    wb.begin("outside")
    model, data = Maker(wb, "net"), Maker(wb)
    outside = data.log({"a": b"1"}, runName="outside")
    model.log({"a": b"2"}, runName="outside", artifactTypeName="model")
    inside = model.log({"a": b"3"}, runName=run, artifactTypeName="model")
    nobody = Maker(wb, "alone")
    nobody.log({"a": b"4"})
    take(wb, run, outside)
    take(wb, "outside", inside)
    assert isinstance(wb.http, Client)
    with Client(wb.http.app, base_url=BASE) as guest:
        shown = "/local/p/artifacts/model/net/v1"
        closed = [shown, f"{shown}/file?path=a", f"{DATA}/v0", f"{DATA}/v0/file?path=a", "/local/p/artifacts"]
        closed += ["/local/p/artifacts/model/net/v0", "/local/p/artifacts/dataset/alone/v0", "/local/registry/model"]
        assert [guest.get(path).status_code for path in closed] == [403] * len(closed)
        guest.get(shared(wb, sweep))

        assert [guest.get(path).status_code for path in closed] == [200, 200, *[403] * (len(closed) - 2)]
        assert guest.get(f"{shown}/file?path=a").content == b"3"
        for path in (shown, f"/local/p/sweeps/{sweep}", f"/local/p/runs/{run}"):
            links = [link for link in Seen(guest.get(path).text).links if link.startswith("/")]
            assert {guest.get(link).status_code for link in links} == {200}
        assert f"/local/p/runs/{run}" in Seen(guest.get(shown).text).links
        assert shown in Seen(guest.get(f"/local/p/runs/{run}").text).links


def shared(wb: Speaker, sweep: str) -> str:
    """The path of a link that shows a sweep."""
    page = look(wb, f"/local/p/sweeps/{sweep}")
    forms = [attributes.get("action") or "" for tag, attributes in page.tags if tag == "form"]
    answer = wb.http.post(next(form for form in forms if "/share?" in form), headers=wb.headers)
    found = re.search(r"/share/[\w-]+", answer.text)
    assert found
    return found[0]
