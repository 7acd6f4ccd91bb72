"""What the client reads of the one user, and of entities that nobody made."""

import pytest

from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker


def test_the_client_reads_the_one_user_as_a_team_of_one(server: RunningServer) -> None:
    api = server.api()

    team = api.team("local")

    assert api.viewer.teams == ["local"]
    assert [repr(member) for member in team.members] == ["<Member local (USER)>"]


def test_a_team_that_cannot_be_made_is_not_told_to_be_there(server: RunningServer) -> None:
    with pytest.raises(Exception, match="there is no entity 'new': this server has one user, 'local', and no teams"):
        server.api().create_team("new")


def test_an_entity_that_has_projects_is_known(wb: Speaker) -> None:
    wb.ask('mutation { upsertModel(input: {name: "p", entityName: "ours"}) { inserted } }')

    assert wb.ask('{ entity(name: "ours") { name isTeam } }') == {"entity": {"name": "ours", "isTeam": False}}
