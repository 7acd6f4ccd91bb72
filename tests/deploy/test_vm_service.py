"""What the VM's service makes of a sweep's ending, with an engine that only says what it was asked."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.stand_ins import CHECKOUT, NOTE, SETTINGS, Debian, skip_without_docker

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

# A container's id is its service's name. The report is written when the sweep is over, if there is a file `over`.
ENGINE = """#!/bin/bash
echo "docker $* AGENTS=$AGENTS FILES=$COMPOSE_FILE" >> /vm/told
case "$*" in
    *"ps --all --quiet"*) echo "${@: -1}" ;;
    *"up --detach") exit "$(cat /vm/up-code)" ;;
    *inspect*) cat /vm/register-code ;;
    logs*) echo "words of ${@: -1}" ;;
    wait*)
        if [ -e /vm/over ]; then touch /vm/data/reports/a-sweep/results.json; fi
        cat /vm/report-code ;;
    *tar*) tar -C /vm/data -c reports ;;
esac
"""
START = CHECKOUT + "cp /vm/env /opt/tf-sweeps/.env 2> /dev/null; cd /; /opt/tf-sweeps/deploy/vm/run.sh start"


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    skip_without_docker()
    made = Debian(tmp_path)
    made.program("docker", ENGINE)
    made.write("data/reports/a-sweep/results.json", "{}")
    os.utime(made.folder / "data/reports/a-sweep/results.json", (0, 0))  # of an earlier sweep
    for name in ("up-code", "register-code", "report-code"):
        made.write(name, "0")
    made.write("over", "")
    return made


def start(debian: Debian, settings: str = "", again: str = ":") -> subprocess.CompletedProcess[str]:
    """Starts the service, and what `again` says after that; the VM's disk is that of one container."""
    debian.write("settings", SETTINGS + settings)
    return debian.run(f"{START}; code=$?; {again}; exit $code")


def test_a_finished_sweeps_report_is_uploaded_before_the_vm_is_turned_off(debian: Debian) -> None:
    done = start(debian, "REPORT_TO='ls \"$1\" >> /vm/told'\nSHUTDOWN=1\n")

    assert done.returncode == 0, done.stderr
    assert "words of report" in done.stdout
    assert debian.told().splitlines()[-2:] == ["a-sweep", "systemctl poweroff"]


def test_a_sweep_with_failed_runs_is_done_too(debian: Debian) -> None:
    debian.write("report-code", "1")

    done = start(debian, "SHUTDOWN=1\n")

    assert done.returncode == 0, done.stderr
    assert "systemctl poweroff" in debian.told()


def test_a_sweep_that_nobody_works_for_any_more_is_not_done(debian: Debian) -> None:
    debian.write("report-code", "1")
    (debian.folder / "over").unlink()

    done = start(debian, "SHUTDOWN=1\nREPORT_TO=true\n", again="test ! -e /var/lib/tf-sweeps/done && echo open")

    assert done.returncode == 1
    assert done.stdout.endswith("open\n")
    assert "poweroff" not in debian.told()


def test_a_report_that_cannot_be_uploaded_keeps_the_vm_on_and_the_sweep_open(debian: Debian) -> None:
    done = start(debian, "SHUTDOWN=1\nREPORT_TO='exit 3'\n", again="test ! -e /var/lib/tf-sweeps/done && echo open")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: REPORT_TO ended with 3: the report stays in /var/lib/tf-sweeps/reports")
    assert done.stdout.endswith("open\n")
    assert "poweroff" not in debian.told()


@pytest.mark.parametrize(("register", "code"), [("2", 2), ("1", 1), ("0", 1)])
def test_a_mistake_that_no_second_try_mends_is_told_from_what_may_pass(
    debian: Debian, register: str, code: int
) -> None:
    debian.write("up-code", "1")
    debian.write("register-code", register)

    done = start(debian)

    assert done.returncode == code
    assert "words of register" in done.stdout


def test_a_stop_leaves_the_sweep_open(debian: Debian) -> None:
    debian.write("report-code", "143")

    done = start(debian, again="test ! -e /var/lib/tf-sweeps/done && echo open")

    assert done.returncode == 143
    assert done.stdout.endswith("open\n")


def test_other_settings_or_another_sweep_file_begin_again_what_was_done(debian: Debian) -> None:
    run = "/opt/tf-sweeps/deploy/vm/run.sh start"

    done = start(
        debian,
        again=f"{run}; echo '# changed' >> /opt/tf-sweeps/sweeps/own.yaml; {run}; echo NEW=b >> /vm/settings; {run}",
    )

    whole = [line for line in debian.told().splitlines() if "up --detach" in line]
    assert done.returncode == 0, done.stderr
    assert ["server" in line for line in whole] == [False, True, False, False]


def test_agents_and_gpus_are_found_and_env_has_the_last_word(debian: Debian) -> None:
    debian.program("nvidia-smi", NOTE + "echo GPU 0; echo GPU 1\n")
    start(debian)
    found = debian.told()
    debian.write("env", "AGENTS=7\nCOMPOSE_FILE=docker-compose.yml:own.yml\n")

    start(debian, "GPU_SLOTS=1\n")

    assert "up --detach AGENTS=5 FILES=docker-compose.yml:compose.gpu.yml\n" in found  # two slots a GPU, and one more
    assert "up --detach AGENTS= FILES=\n" in debian.told().removeprefix(found)
