"""Settings: where they come from, what they may hold, and that `.env.example` tells of each."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from app import backend, settings
from app.backend import Backend
from app.commands.setup import Setup
from app.settings import SettingError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"


def test_a_variable_of_the_process_comes_before_the_file_and_the_file_before_the_default() -> None:
    read = settings.read({"AGENTS": "3"}, {"AGENTS": "4", "PORT": "9000"})

    assert (read.agents, read.port, read.threads) == (3, 9000, None)


def test_an_empty_value_counts_as_none() -> None:
    read = settings.read({"AGENTS": "", "WANDB_PROJECT": ""}, {"PORT": ""})

    assert (read.agents, read.port, read.wandb_project) == (None, 8080, "wandb-sweep-practice")


def test_the_data_directory_is_absolute_for_programs_that_start_elsewhere() -> None:
    assert settings.read({"DATA_DIR": "some/where"}, {}).data_dir == Path.cwd() / "some/where"


def test_all_wrong_values_are_told_at_once_each_with_what_is_allowed() -> None:
    wrong = {"AGENTS": "two", "PORT": "99999", "SWEEP_ID": "abc", "WANDB_PROJECT": "a/b", "SERVER_URL": "here"}

    with pytest.raises(SettingError) as caught:
        settings.read(wrong, {})

    assert caught.value.message.splitlines() == [
        "SWEEP_ID is 'abc'; allowed: entity/project/id, as a sweep's page and `wandb sweep` show it.",
        "AGENTS is 'two'; allowed: auto, or a whole number from 1 to 1000.",
        "PORT is '99999'; allowed: a whole number from 0 to 65535.",
        "SERVER_URL is 'here'; allowed: an address like http://192.168.1.20:8080.",
        r"WANDB_PROJECT is 'a/b'; allowed: at most 128 characters, none of / \ # ? % :.",
    ]
    assert caught.value.exit_code == 2


def test_what_may_be_a_secret_is_repeated_nowhere_and_reaches_no_trial() -> None:
    address = "https://chat.example/hooks/t0ken"
    read = settings.read({"NOTIFY_URL": address}, {})
    environ = backend.environment(Backend("embedded", "", "http://h:1", "key"), read, {"NOTIFY_URL": address}, {})

    with pytest.raises(SettingError) as caught:
        settings.read({}, {"NOTIFY_URL": "chat.example/t0ken"})

    assert caught.value.message == (
        "NOTIFY_URL is not fit, and may hold a secret; allowed: "
        "an http or https address, as https://chat.example/hooks/TOKEN, without name and password."
    )
    assert read.notify_url == address
    assert "t0ken" not in repr(read)
    assert "t0ken" not in str(environ)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1001", "²", "1e3"])
def test_agents_are_a_count(value: str) -> None:
    with pytest.raises(SettingError, match="allowed: auto, or a whole number"):
        settings.read({"AGENTS": value}, {})


def test_a_missing_env_file_is_fine_unless_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert settings.read_env_file({}) == {}
    with pytest.raises(SettingError, match=r"ENV_FILE is 'other\.env': there is no such file"):
        settings.read_env_file({"ENV_FILE": "other.env"})


def test_the_env_file_is_read_as_compose_reads_it(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# a comment\nexport AGENTS='2'\nWANDB_TAGS=\"a,b\"\nNEW=\n")

    values = settings.read_env_file({"ENV_FILE": str(tmp_path / "env")})

    assert values == {"AGENTS": "2", "WANDB_TAGS": "a,b", "NEW": ""}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"AGENTS=2\nWANDB_API_KEY='s3cret\nPORT=1\n",
            ":2: this is no NAME=value, or a quote that opens there never closes.",
        ),
        (b"\xff\xfe", " cannot be read: it is no UTF-8 text."),
    ],
)
def test_an_env_file_that_cannot_be_read_is_told_with_its_line_and_without_what_it_holds(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "env").write_bytes(content)

    with pytest.raises(SettingError) as caught:
        settings.read_env_file({"ENV_FILE": str(tmp_path / "env")})

    assert caught.value.message == f"{tmp_path / 'env'}{told}"


@pytest.mark.parametrize("label", ["two\nlines", 65 * "x"])
def test_a_label_is_a_line_that_a_name_has_room_for(label: str) -> None:
    with pytest.raises(SettingError, match=r"NEW is .* allowed: at most 64 characters, in one line"):
        settings.read({"NEW": label}, {})


def test_in_a_container_the_process_environment_stands_for_the_file() -> None:
    environ = {"ENV_FILE": "-", "WANDB_API_KEY": "k"}

    assert settings.read_env_file(environ)["WANDB_API_KEY"] == "k"


def test_a_name_that_is_almost_a_setting_is_told_with_the_nearest() -> None:
    lines = settings.misspelt(
        {"MAKEFLAGS": "s -- AGENT=2 agents=3 NEW=x\\ PORTT=1 PYTHON=p https_proxy=p"},
        ["WANDB_API_KYE", "WANDB_TAGS", "HTTP_PROXY", "AGENT_MEMROY"],
        backend.CHOOSING,
    )

    assert lines == [
        "AGENT is no setting and has no effect. Did you mean AGENTS?",
        "AGENT_MEMROY is no setting and has no effect. Did you mean AGENT_MEMORY?",
        "WANDB_API_KYE is no setting and has no effect. Did you mean WANDB_API_KEY?",
        "agents is no setting and has no effect. Did you mean AGENTS?",
    ]


def test_a_variable_of_make_that_is_no_setting_is_named_and_one_of_env_reaches_the_programs_in_silence() -> None:
    lines = settings.misspelt({"MAKEFLAGS": " -- COLOUR=red"}, ["FLAVOUR"], ())

    assert lines == ["COLOUR is no setting; .env.example lists them. What is started here finds it in its environment."]


def test_of_a_sweeps_containers_the_first_one_alone_tells_what_is_misspelt(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("AGENT=2")
    container, here = Setup.read({"ENV_FILE": "-", "AGENT": "2"}), Setup.read({"ENV_FILE": str(tmp_path / "env")})

    told = [
        sum("Did you mean AGENTS?" in line for line in notes)
        for notes in (container.notes(first=True), container.notes(first=False), here.notes(first=False))
    ]

    assert told == [1, 0, 1]


def test_the_example_file_tells_of_every_setting_its_default_and_why() -> None:
    told = dict(re.findall(r"^# .+\n# ([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))

    code = {name: default for name, (default, _) in settings.VARIABLES.items()}
    code |= dict.fromkeys(backend.CHOOSING, "") | {settings.ENV_FILE: settings.DEFAULT_ENV_FILE}
    assert {name: told.get(name) for name in code} == code
    assert told.keys() - code.keys() == containers_only(code)


def containers_only(known: Iterable[str]) -> set[str]:
    """What only the Compose files read, and the one that names these files."""
    texts = [path.read_text() for path in (ROOT / "docker-compose.yml", *ROOT.glob("compose.*.yml"))]
    names = re.findall(r"\$\{(\w+)|args: \[(\w+)\]", "".join(texts))
    return {"COMPOSE_FILE", *map("".join, names)}.difference(known)


def test_the_example_file_as_it_is_sets_nothing() -> None:
    assert settings.read_env_file({"ENV_FILE": str(EXAMPLE)}) == {}
