"""How this project's programs are called in the commands that are printed."""

from pathlib import Path

import pytest
import yaml

from terms import typed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("executable", "said"),
    [
        ("/home/me/tf-sweeps/.venv/bin/python", ".venv/bin/python"),
        ("/opt/conda/bin/python3", "/opt/conda/bin/python3"),
        ("/opt/my python/bin/python3", "'/opt/my python/bin/python3'"),
    ],
)
def test_it_is_called_by_the_interpreter_that_runs_it_as_seen_from_the_projects_folder(
    executable: str, said: str
) -> None:
    assert typed.python(executable, Path("/home/me/tf-sweeps")) == said


def test_a_container_says_what_calls_it_from_outside() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    told = services["server"]["environment"][typed.TYPED_AS]

    assert {services[name]["environment"][typed.TYPED_AS] for name in ("register", "agent", "report")} == {told}
    assert typed.python("/usr/local/bin/python", Path("/srv"), told) == told
    *command, service, program = told.split()
    assert command == ["docker", "compose", "run", "--rm", "--no-deps"]
    assert (service in services, program) == (True, "python")
