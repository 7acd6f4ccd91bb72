"""What the client reads of the one user and of the server itself."""

import pytest

from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker

FEATURES = "{ serverInfo { features { name isEnabled } } }"


@pytest.mark.feature("viewer, user, users, team")
def test_the_client_reads_the_one_user_as_a_team_of_one(server: RunningServer) -> None:
    api = server.api()

    team = api.team("local")

    assert api.viewer.teams == ["local"]
    assert [repr(member) for member in team.members] == ["<Member local (USER)>"]


@pytest.mark.feature("create_user, create_team")
def test_a_team_that_cannot_be_made_is_not_told_to_be_there(server: RunningServer) -> None:
    with pytest.raises(Exception, match="there is no entity 'new': this server has one user, 'local', and no teams"):
        server.api().create_team("new")


def test_what_each_run_asks_of_its_organization_is_no_refusal(wb: Speaker) -> None:
    asked = wb.ask('{ entity(name: "local") { organization { coreWeaveOrganizationId } } }')

    assert asked == {"entity": {"organization": None}}


def test_an_entity_that_has_projects_is_known(wb: Speaker) -> None:
    wb.ask('mutation { upsertModel(input: {name: "p", entityName: "ours"}) { inserted } }')

    assert wb.ask('{ entity(name: "ours") { name isTeam } }') == {"entity": {"name": "ours", "isTeam": False}}


def test_the_server_names_what_clients_use_only_where_it_is_named(wb: Speaker) -> None:
    features = wb.ask(FEATURES)["serverInfo"]["features"]

    assert {"FILESTREAM_GZIP", "UPDATE_RUN_STATE"} <= {feature["name"] for feature in features if feature["isEnabled"]}
