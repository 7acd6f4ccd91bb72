"""`make vm`: what it writes for a new VM, and what it refuses."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KEY = "0123456789abcdef0123456789abcdef01234567"  # of no account; the form of W&B's


class Checkout:
    """A checkout with one pushed commit, and what `make vm` does in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.origin = folder / "origin"
        for name in ("deploy/vm", "sweeps"):
            shutil.copytree(ROOT / name, self.folder / name)
        for name in ("Makefile", "docker-compose.yml"):
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "requirements").mkdir()
        shutil.copy(ROOT / "requirements/trainer.sh", self.folder / "requirements")
        self.git("init", "--quiet", "--bare", str(self.origin))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", f"file://{self.origin}")
        self.commit()
        self.git("push", "--quiet", "origin", "main")

    def git(self, *words: str) -> str:
        names = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(["git", *names, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=all")

    def make_vm(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | variables
        return subprocess.run(["make", "vm", *words], cwd=self.folder, env=environment, capture_output=True, text=True)

    def user_data(self) -> str:
        return (self.folder / "dist/vm/cloud-init.yaml").read_text()

    def files(self) -> dict[str, Any]:
        """What the VM is given, by path."""
        return {file["path"]: file["content"] for file in yaml.safe_load(self.user_data())["write_files"]}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error, without what make adds."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_vm_gets_the_settings_the_sweep_file_as_it_is_here_and_the_install_script(checkout: Checkout) -> None:
    text = "# häufig\n\nname: own\nmethod: grid\nparameters: {epochs: {values: [1]}}\n"
    (checkout.folder / "sweeps/own.yaml").write_text(text)

    done = checkout.make_vm("SWEEP=sweeps/own.yaml", "AGENTS=4", REPORT_TO="cp -r \"$1\" '/a place'")

    settings = checkout.files()["/etc/tf-sweeps/settings"]
    told = subprocess.run(
        ["bash", "-c", f'{settings}\nprintf "%s|" "$REPO" "$REF" "$SWEEP" "$AGENTS" "$REPORT_TO"'],
        capture_output=True, text=True, env={},
    )  # fmt: skip
    commit = checkout.git("rev-parse", "HEAD")
    assert done.returncode == 0, done.stderr
    assert told.stdout == f"file://{checkout.origin}|{commit}|sweeps/own.yaml|4|cp -r \"$1\" '/a place'|"
    assert checkout.files()["/etc/tf-sweeps/sweep.yaml"] == text
    assert checkout.files()["/usr/local/sbin/tf-sweeps-install"] == (ROOT / "deploy/vm/install.sh").read_text()


def test_a_variable_that_is_no_setting_of_a_vm_is_named_with_the_nearest(checkout: Checkout) -> None:
    done = checkout.make_vm("SWEEPP=sweeps/random.yaml", "agents=3", "AGENTS=4")

    assert [line for line in done.stderr.splitlines() if "no setting" in line] == [
        "SWEEPP is no setting of a VM and has no effect. Did you mean SWEEP?",
        "agents is no setting of a VM and has no effect. Did you mean AGENTS?",
    ]


def test_each_cloud_has_a_line_that_opens_no_port(checkout: Checkout) -> None:
    said = checkout.make_vm("SWEEP=sweeps/random.yaml").stdout

    lines = [line for line in said.splitlines() if "dist/vm/cloud-init.yaml" in line][1:]
    assert [line.split()[0] for line in lines] == ["aws", "gcloud", "az"]
    assert "HttpTokens=required" in lines[0]
    assert "--nsg-rule NONE" in lines[2]


def test_user_data_that_a_cloud_would_refuse_gets_no_line_for_it(checkout: Checkout) -> None:
    (checkout.folder / "sweeps/long.yaml").write_text("# long\n" * 3000)

    said = checkout.make_vm("SWEEP=sweeps/long.yaml").stdout

    assert "aws ec2" not in said
    assert "# takes 16,384 bytes of user data; these are" in said
    assert "gcloud compute" in said
    assert "az vm create" in said


def test_user_data_that_no_cloud_takes_is_refused(checkout: Checkout) -> None:
    (checkout.folder / "sweeps/long.yaml").write_text("# long\n" * 40_000)

    said = refusal(checkout.make_vm("SWEEP=sweeps/long.yaml"))

    assert said.endswith("bytes, and no cloud takes more than 262,144.")


def test_a_sweep_file_that_is_not_there_is_told_with_those_that_are(checkout: Checkout) -> None:
    said = refusal(checkout.make_vm("SWEEP=sweeps/randon.yaml"))

    assert said.startswith(
        "Error: SWEEP=sweeps/randon.yaml: there is no such file in sweeps/. There are sweeps/bayes.yaml"
    )


def test_a_mistake_in_the_sweep_file_is_told_where_the_program_is_installed(checkout: Checkout) -> None:
    (checkout.folder / ".venv/bin").mkdir(parents=True)
    for trainer in ("trainer-cpu", "trainer-gpu"):
        (checkout.folder / f".venv/.{trainer}").touch()
    (checkout.folder / ".venv/bin/python").write_text('#!/bin/sh\necho "$*: a mistake" >&2\nexit 2\n')
    (checkout.folder / ".venv/bin/python").chmod(0o755)

    said = refusal(checkout.make_vm("SWEEP=sweeps/random.yaml"))

    assert said == "-m app check sweeps/random.yaml: a mistake"
    assert not (checkout.folder / "dist").exists()


def test_a_ref_that_is_not_there_is_told(checkout: Checkout) -> None:
    said = refusal(checkout.make_vm("REF=no-such-branch"))

    assert said.startswith(f"Error: REF=no-such-branch cannot be fetched from REPO=file://{checkout.origin}")


def test_a_commit_that_was_not_pushed_is_told(checkout: Checkout) -> None:
    checkout.commit()

    said = refusal(checkout.make_vm())

    assert "(is it pushed?)" in said


def test_a_report_command_that_make_has_expanded_is_told(checkout: Checkout) -> None:
    said = refusal(checkout.make_vm('REPORT_TO=cp -r "$1" /tmp'))

    assert 'has no "$1"' in said


@pytest.mark.parametrize(
    "variables",
    [
        {"ENV_FROM": f"echo WANDB_API_KEY={KEY}"},
        {"ENV_FROM": "echo WANDB_API_KEY=wandb_v1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"ENV_FROM": "AWS_ACCESS_KEY_ID=AKIAABCDEFGHIJKLMNOP aws secretsmanager get-secret-value"},
        {"REPO": "https://me:a-password@git.example.org/tf-sweeps.git"},
    ],
    ids=["wandb", "wandb, new form", "aws", "git"],
)
def test_no_key_gets_into_user_data(checkout: Checkout, variables: dict[str, str]) -> None:
    name, value = next(iter(variables.items()))

    said = refusal(checkout.make_vm(**variables))

    assert said.startswith(f"Error: the user data would hold a key, in {name}: ")
    assert value not in said
    assert not (checkout.folder / "dist").exists()


def test_this_checkouts_own_key_is_known_whatever_it_looks_like(checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text("WANDB_API_KEY=local-short\n")
    (checkout.folder / "sweeps/own.yaml").write_text("name: local-short\n")

    said = refusal(checkout.make_vm("SWEEP=sweeps/own.yaml"))

    assert said.startswith("Error: the user data would hold a key, in line ")
    assert "local-short" not in said


def test_a_key_of_the_shell_is_not_taken_along(checkout: Checkout) -> None:
    checkout.make_vm(WANDB_API_KEY=KEY)

    assert KEY not in checkout.user_data()
    assert "WANDB_API_KEY" not in checkout.files()["/etc/tf-sweeps/settings"]


def test_a_vm_that_joins_needs_no_sweep_file(checkout: Checkout) -> None:
    done = checkout.make_vm("SWEEP_ID=local/wandb-sweep-practice/abcd1234")

    assert done.returncode == 0, done.stderr
    assert checkout.files()["/etc/tf-sweeps/sweep.yaml"] == ""
    assert "SWEEP_ID=local/wandb-sweep-practice/abcd1234" in checkout.files()["/etc/tf-sweeps/settings"]
