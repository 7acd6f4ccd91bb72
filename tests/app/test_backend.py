"""Only `.env` chooses the backend, and the programs that speak to it get an environment that says the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app import backend, settings
from app.backend import Backend
from app.settings import SettingError

KEY = "0123456789" * 4
EXPORTED = {
    "WANDB_API_KEY": "exported" * 5,
    "WANDB_BASE_URL": "https://exported.example",
    "WANDB_MODE": "offline",
    "WANDB_ENTITY": "exported-team",
    "WANDB_RUN_ID": "abc",
    "WANDB_IDENTITY_TOKEN_FILE": "/exported",
    "PATH": "/usr/bin",
    "HOME": "/home/user",
}


def environment(env_file: dict[str, str], environ: dict[str, str]) -> dict[str, str]:
    """What register and agents get when `.env` holds `env_file` and the shell exports `environ`."""
    chosen = backend.choose(env_file)
    if chosen.kind == "embedded":
        chosen = Backend("embedded", chosen.reason, "http://127.0.0.1:8080", "embedded-key")
    return backend.environment(chosen, settings.read(environ, env_file), environ, env_file)


def wandb_part(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name.startswith("WANDB_")}


def test_nothing_in_the_file_means_the_embedded_server() -> None:
    chosen = backend.choose({})

    assert chosen.kind == "embedded"
    assert "no account and no network" in chosen.reason


def test_a_key_alone_means_the_cloud_for_register_and_agents() -> None:
    values = environment({"WANDB_API_KEY": KEY}, EXPORTED)

    assert values["WANDB_BASE_URL"] == "https://api.wandb.ai"
    assert values["WANDB_API_KEY"] == KEY
    assert "WANDB_APP_URL" not in values


def test_a_key_may_bring_the_end_of_its_line() -> None:
    assert backend.choose({"WANDB_API_KEY": f"{KEY}\n"}).api_key == KEY
    assert backend.choose({"WANDB_API_KEY": "\n"}).kind == "embedded"


SLURM = {"SLURM_JOB_ID": "17", "SLURMD_NODENAME": "n3"}


def test_on_a_cluster_runs_and_agents_name_their_node_and_job_unless_they_have_a_name() -> None:
    task = SLURM | {"SLURM_JOB_ID": "21", "SLURM_ARRAY_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "4"}

    assert environment({}, SLURM)["WANDB_HOST"] == "Slurm 17, n3"
    assert environment({}, task)["WANDB_HOST"] == "Slurm 17_4, n3"
    assert environment({"WANDB_HOST": "mine"}, task)["WANDB_HOST"] == "mine"
    assert "WANDB_HOST" not in environment({}, EXPORTED)


def test_an_address_and_a_key_mean_that_server() -> None:
    values = environment({"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://10.0.0.2:8080/"}, EXPORTED)

    assert (values["WANDB_BASE_URL"], values["WANDB_API_KEY"]) == ("http://10.0.0.2:8080", KEY)


def test_an_address_without_its_key_is_told() -> None:
    with pytest.raises(SettingError, match=r"WANDB_BASE_URL is set in \.env but WANDB_API_KEY is not"):
        backend.choose({"WANDB_BASE_URL": "http://10.0.0.2:8080"})


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(SettingError, match=r"WANDB_BASE_URL is '10\.0\.0\.2:8080'; allowed: an address like"):
        backend.choose({"WANDB_BASE_URL": "10.0.0.2:8080", "WANDB_API_KEY": KEY})


def test_exported_variables_of_wandb_change_nothing() -> None:
    clean = {name: value for name, value in EXPORTED.items() if not name.startswith("WANDB_")}

    assert environment({}, EXPORTED) == environment({}, clean)
    assert environment({"WANDB_API_KEY": KEY}, EXPORTED | {"WANDB_ENTITY": ""}) == environment(
        {"WANDB_API_KEY": KEY}, clean
    )


def test_exported_choices_that_do_not_count_are_told() -> None:
    assert backend.ignored(EXPORTED, {}) == ["WANDB_API_KEY", "WANDB_BASE_URL"]
    assert backend.ignored({"WANDB_API_KEY": KEY}, {"WANDB_API_KEY": KEY}) == []


def test_a_team_is_a_setting_for_the_cloud_and_none_for_the_embedded_server() -> None:
    assert environment({"WANDB_API_KEY": KEY}, EXPORTED)["WANDB_ENTITY"] == "exported-team"
    assert "WANDB_ENTITY" not in environment({"WANDB_ENTITY": "team"}, EXPORTED)


def test_links_of_the_embedded_server_open_on_this_machine() -> None:
    assert environment({}, EXPORTED)["WANDB_APP_URL"] == "http://127.0.0.1:8080"


def test_whatever_else_the_file_says_reaches_the_trials_and_the_shell_comes_first() -> None:
    values = environment({"WANDB_TAGS": "a", "MY_OWN": "file", "OTHER": "file"}, EXPORTED | {"MY_OWN": "shell"})

    assert (values["WANDB_TAGS"], values["MY_OWN"], values["OTHER"]) == ("a", "shell", "file")


def test_trials_get_their_threads_no_whole_gpu_and_this_python() -> None:
    values = environment({}, EXPORTED | {"THREADS": "2"})

    assert (values["THREADS"], environment({}, EXPORTED)["THREADS"]) == ("2", "auto")
    assert values["OMP_NUM_THREADS"] == "1"
    assert values["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert values["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_a_key_is_never_part_of_what_is_printed() -> None:
    assert KEY not in repr(backend.choose({"WANDB_API_KEY": KEY}))


def test_two_servers_are_two_backends_and_an_embedded_one_stays_itself() -> None:
    first, second = (backend.choose({"WANDB_API_KEY": KEY, "WANDB_BASE_URL": f"http://{n}"}) for n in "ab")

    assert first.identity != second.identity
    assert backend.choose({}).identity == Backend("embedded", "", "http://127.0.0.1:9").identity


def test_a_login_of_the_user_leads_the_client_nowhere_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config/wandb").mkdir(parents=True)
    (home / ".netrc").write_text(f"machine 127.0.0.1:8080\n login user\n password {KEY}\n")
    (home / ".config/wandb/settings").write_text("[default]\nbase_url = https://other.example\nentity = team\n")
    values = environment({}, EXPORTED | {"HOME": str(home), "DATA_DIR": str(tmp_path)})

    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, wandb; s = wandb.setup().settings; print(json.dumps([s.base_url, s.api_key, s.entity]))",
        ],
        env=values,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(shown.stdout) == ["http://127.0.0.1:8080", "embedded-key", None]


def test_the_ca_that_a_client_trusts_is_trusted_for_artifacts_too() -> None:
    values = environment({"SSL_CERT_FILE": "root.crt"}, EXPORTED)
    own = environment({"SSL_CERT_FILE": "root.crt"}, EXPORTED | {"REQUESTS_CA_BUNDLE": "other.crt"})

    assert (values["SSL_CERT_FILE"], values["REQUESTS_CA_BUNDLE"]) == ("root.crt", "root.crt")
    assert own["REQUESTS_CA_BUNDLE"] == "other.crt"
    assert "REQUESTS_CA_BUNDLE" not in environment({}, EXPORTED)
