"""`python -m app check`: every mistake in a sweep file with its place, before anything runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from app.commands import check
from app.settings import SettingError
from tests.app.programs import ROOT, python

TRAINER = 'command: ["${env}", python, "-m", "app.train", "${args}"]\n'
PARAMETERS = "parameters: {a: {value: 1}}\n"
ANOTHER = "command: [python, mine.py]\n"
DISTRIBUTIONS = (
    "constant, categorical, categorical_w_probabilities, int_uniform, uniform, q_uniform, log_uniform,"
    " log_uniform_values, q_log_uniform, q_log_uniform_values, inv_log_uniform, inv_log_uniform_values, normal,"
    " q_normal, log_normal, q_log_normal, beta, q_beta"
)

# What people write wrongly in sweep files, each with the line that names it. W&B's own check passes the last five.
CORPUS = {
    "method": (
        f"method: gird\n{PARAMETERS}",
        "1:1: `method` is 'gird'. Did you mean `grid`? Allowed: grid, random, bayes, custom.",
    ),
    "no_method": (PARAMETERS, "1:1: `method` is missing. Allowed: grid, random, bayes, custom."),
    "no_parameters": ("method: grid\n", "1:1: `parameters` is missing: it says what to search."),
    "spelling": (
        f"method: random\nrun_cap: 1\nmetric: {{nam: loss}}\n{PARAMETERS}",
        "3:10: unknown key `metric.nam`. Did you mean `name`?"
        " Allowed here: name, goal, target, impute, impute_while_running.",
    ),
    "goal": (
        f"method: grid\nmetric: {{name: loss, goal: min}}\n{PARAMETERS}",
        "2:22: `metric.goal` is 'min'. Did you mean `minimize`? Allowed: minimize, maximize.",
    ),
    "run_cap": (
        f"method: random\nrun_cap: 0\n{PARAMETERS}",
        "2:1: `run_cap` is 0: a whole number from 1 to 2**53 is due.",
    ),
    "order": (
        "method: random\nrun_cap: 1\nparameters:\n  lr:\n    min: 0.1\n    max: 0.01\n",
        "6:5: `parameters.lr.max` is 0.01: it must be above `min`, which is 0.1.",
    ),
    "probabilities": (
        "method: random\nrun_cap: 1\nparameters:\n  a: {values: [1, 2], probabilities: [0.5, 0.6]}\n",
        "4:23: `parameters.a.probabilities` sums to 1.1: it must sum to 1.",
    ),
    "text": (
        "method: random\nrun_cap: 1\nparameters:\n  lr: {min: 1e-4, max: 0.1}\n",
        "4:8: `parameters.lr.min` is the text '1e-4': YAML reads no number in this form; write 0.0001.",
    ),
    "distribution": (
        "method: random\nrun_cap: 1\nparameters:\n  lr: {distribution: unifrom, min: 0, max: 1}\n",
        f"4:8: `parameters.lr.distribution` is 'unifrom'. Did you mean `uniform`? Allowed: {DISTRIBUTIONS}.",
    ),
    "nested": (
        "method: grid\nparameters:\n  net:\n    depth: {values: [1, 2]}\n",
        "4:5: unknown key `parameters.net.depth`. Allowed here: distribution, value, values, probabilities, min, max,"
        " q, mu, sigma, a, b, parameters.",
    ),
    "early_terminate": (
        f"method: random\nrun_cap: 1\nmetric: {{name: loss}}\nearly_terminate: {{type: hyperband}}\n{PARAMETERS}",
        "4:1: `early_terminate` needs `min_iter`, or `max_iter` and `s`.",
    ),
    "text_value": (
        f"method: grid\nparameters:\n  learning_rate: {{values: [1e-4, 0.1]}}\n{TRAINER}",
        "3:28: `parameters.learning_rate.values[0]` is the text '1e-4': YAML reads no number in this form;"
        " write 0.0001.",
    ),
    "no_metric": (
        f"method: bayes\nrun_cap: 1\n{PARAMETERS}",
        "1:1: `metric` is missing: needed by `method: bayes`, as in {name: val_loss, goal: minimize}.",
    ),
    "grid_range": (
        "method: grid\nparameters:\n  lr: {min: 0.0, max: 1.0}\n",
        "3:3: `parameters.lr` is drawn from uniform, which has no list of values for a grid:"
        " use `values`, whole `min` and `max`, q_uniform, or another `method`.",
    ),
    "twice": (
        "method: grid\nparameters:\n  a: {value: 1}\n  a: {value: 2}\n",
        "4:3: key `parameters.a` stands in line 3 already.",
    ),
    "mixed": (
        "method: random\nrun_cap: 1\nparameters:\n  lr: {min: 0, max: 0.5}\n",
        "4:3: `parameters.lr` goes from 0 to 0.5: one is whole, one is not;"
        " write both with a point, or both without, or give a `distribution`.",
    ),
}


def run(folder: Path, *arguments: str, plain: bool = False) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*python(plain), "-m", "app", "check", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, list[str]]:
    """What one call says of all files of the corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, (text, _) in CORPUS.items():
        (folder / f"{name}.yaml").write_text(text if TRAINER in text else text + ANOTHER)
    code, output = run(folder, *(f"{name}.yaml" for name in CORPUS))
    return code, output.splitlines()


@pytest.mark.parametrize("name", CORPUS)
def test_each_common_mistake_is_one_line_with_its_place(corpus: tuple[int, list[str]], name: str) -> None:
    code, lines = corpus

    assert code == 2
    assert [line for line in lines if line.startswith(f"{name}.yaml:")] == [f"{name}.yaml:{CORPUS[name][1]}"]


def test_warnings_leave_the_exit_code_at_0(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "method: random\nparameters:\n  lr: {distribution: log_uniform, min: -5, max: 0}\n  a: {values: [1e-4]}\n"
        + ANOTHER
    )

    code, output = run(tmp_path, "x.yaml")

    assert code == 0
    assert output.splitlines() == [
        "x.yaml:1:1: warning: a random sweep without `run_cap` never ends by itself.",
        "x.yaml:3:8: warning: `parameters.lr` is drawn from log_uniform, whose `min` and `max` are exponents of e: its"
        " values lie between 0.006738 and 1; log_uniform_values takes the limits themselves.",
        "x.yaml:4:16: warning: `parameters.a` may be the text '1e-4': YAML reads no number in this form; write 0.0001.",
    ]


def test_programs_get_a_list_of_objects(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(f"method: grid\n{PARAMETERS}{ANOTHER}")
    (tmp_path / "bad.yaml").write_text(f"method: random\nparameters: {{optimiser: {{value: adam}}}}\n{TRAINER}")

    code, output = run(tmp_path, "--format", "json", "good.yaml", "bad.yaml", plain=True)

    mistake, warning = json.loads(output)
    assert code == 2
    assert (mistake["file"], mistake["line"], mistake["column"], mistake["severity"]) == ("bad.yaml", 2, 14, "error")
    assert mistake["message"].startswith("unknown key `optimiser`. Did you mean `optimizer`? Allowed: layer1_size, ")
    assert (warning["line"], warning["severity"]) == (1, "warning")


def test_a_file_that_is_not_there_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "random.yaml").write_text(f"method: grid\n{PARAMETERS}{ANOTHER}")

    code, output = run(tmp_path, "sweeps/randon.yaml", "sweeps/random.yaml")

    assert code == 2
    assert output.splitlines() == [
        "sweeps/randon.yaml:1:1: No such file or directory. Did you mean sweeps/random.yaml?"
        " In sweeps/: sweeps/random.yaml.",
        "sweeps/random.yaml: no mistakes.",
    ]


def test_what_only_this_projects_server_heeds_is_refused_where_a_file_must_run_anywhere(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"method: grid\n{PARAMETERS}x-sweep: {{seed: 1}}\n")

    code, output = run(tmp_path, "--portable", "x.yaml")

    assert code == 2
    assert output.startswith("x.yaml:3:1: ")
    assert "`x-sweep`" in output


def test_the_check_needs_neither_tensorflow_nor_the_wandb_client(tmp_path: Path) -> None:
    program = "import sys, app.__main__; sys.exit('tensorflow' in sys.modules or 'wandb' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_the_pre_commit_hook_installs_all_that_the_check_imports() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    script, *arguments = hook["entry"].split()
    program = "import sys; own = {*sys.modules}; import app.__main__; print(*{*sys.modules} - own)"
    modules = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True).split()

    assert project["project"]["scripts"][script].partition(":")[0] == "app.__main__"
    assert arguments == ["check"]
    assert distributions({module.partition(".")[0] for module in modules}) <= closure(hook["additional_dependencies"])


def test_the_pre_commit_hook_checks_with_what_was_installed_of_the_checkout(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for init in ROOT.glob("*/__init__.py"):
        shutil.copytree(init.parent, tmp_path / init.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = "-m pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --target installed ."
    subprocess.run([sys.executable, *pip.split()], cwd=tmp_path, check=True)

    script = [sys.executable, "installed/bin/tf-sweeps", "check", str(ROOT / "sweeps/random.yaml")]
    done = subprocess.run(script, cwd=tmp_path, env=os.environ | {"PYTHONPATH": "installed"}, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")


def distributions(modules: set[str]) -> set[str]:
    """The canonical names of the installed packages that modules come from."""
    installed = metadata.packages_distributions()
    return {canonical(name) for module in modules for name in installed.get(module, [])}


def closure(names: Iterable[str]) -> set[str]:
    """Packages and all that pip installs with them."""
    found: set[str] = set()
    left = [canonical(name) for name in names]
    while left:
        found.add(name := left.pop())
        needed = [need for need in metadata.requires(name) or () if "extra ==" not in need]
        left += {canonical(re.split(r"[^\w.-]", need)[0]) for need in needed} - found
    return found


def canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def lines(tmp_path: Path, parameters: str, more: str = "", command: str = TRAINER) -> list[str]:
    """Each mistake in a sweep of the trainer, with its line and column."""
    file = tmp_path / "x.yaml"
    file.write_text(f"method: random\nrun_cap: 1\n{command}{more}parameters:\n  {parameters}\n")
    return [mistake.line("").removeprefix(":") for mistake in check.check(file).mistakes]


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            "optimiser: {value: adam}",
            "5:3: unknown key `optimiser`. Did you mean `optimizer`? Allowed: layer1_size, layer1_activation,"
            " dropout_rate, optimizer, learning_rate, epochs, batch_size, seed.",
        ),
        (
            "optimizer: {values: [adam, adamm]}",
            "5:30: `optimizer` is 'adamm'. Did you mean `adam`? Allowed: adam, rmsprop.",
        ),
        (
            "epochs: {value: 0}",
            "5:12: `epochs` is 0. Allowed: a whole number, 1 <= epochs <= 10000.",
        ),
        (
            "dropout_rate: {min: 0.0, max: 1.5}",
            "5:28: `parameters.dropout_rate` is drawn from uniform, which can give 1.5."
            " Allowed: a number, 0 <= dropout_rate < 1.",
        ),
        (
            "layer1_size: {distribution: uniform, min: 1, max: 64}",
            "5:3: `parameters.layer1_size` is drawn from uniform, which can give 39.9361."
            " Allowed: a whole number, 1 <= layer1_size <= 16384.",
        ),
        (
            "layer1_size: {distribution: q_log_uniform_values, q: 32, min: 8, max: 64}",
            "5:60: `parameters.layer1_size` is drawn from q_log_uniform_values, which can give 0."
            " Allowed: a whole number, 1 <= layer1_size <= 16384.",
        ),
        (
            "learning_rate: {distribution: normal, mu: 0.01, sigma: 0.01}",
            "5:3: `parameters.learning_rate` is drawn from normal, which can give -0.0375342."
            " Allowed: a number, 0 < learning_rate <= 10.",
        ),
        (
            "optimizer: {min: 1, max: 2}",
            "5:15: `parameters.optimizer` is drawn from int_uniform, which can give 1. Allowed: adam, rmsprop.",
        ),
        (
            "seed: {parameters: {a: {value: 1}}}",
            "5:3: `seed` is {'a': {'value': 1}}. Allowed: a whole number, 0 <= seed < 2147483648.",
        ),
    ],
)
def test_what_the_trainer_does_not_take_is_a_mistake(tmp_path: Path, parameters: str, line: str) -> None:
    assert lines(tmp_path, parameters) == [line]


@pytest.mark.parametrize(
    "parameters",
    [
        "dropout_rate: {min: 0.0, max: 1.0}",  # the limit itself is never drawn
        "learning_rate: {distribution: uniform, min: 0, max: 10}",
        "learning_rate: {distribution: log_normal, mu: -5, sigma: 0.5}",
        "layer1_size: {distribution: q_uniform, min: 16, max: 512, q: 16}",
        "learning_rate: {values: [0.1, 1, '0.5']}",
        "_note: {value: mine}",
    ],
)
def test_what_the_trainer_takes_is_none(tmp_path: Path, parameters: str) -> None:
    assert lines(tmp_path, parameters) == []


def test_other_programs_may_take_what_they_like(tmp_path: Path) -> None:
    text = "layers: {value: 3}"

    assert lines(tmp_path, text, "metric: {name: score}\n", command="program: mine.py\n") == []


def test_flags_that_the_command_gives_are_checked_too(tmp_path: Path) -> None:
    command = TRAINER.replace('"${args}"', '"--epochs=0", "--optimizer", sgd, "${args}"')

    assert lines(tmp_path, "seed: {value: 1}", command=command) == [
        "3:48: `epochs` is 0. Allowed: a whole number, 1 <= epochs <= 10000.",
        "3:62: `optimizer` is 'sgd'. Allowed: adam, rmsprop.",
    ]


def warned(tmp_path: Path, text: str) -> list[str]:
    """Each warning of a file, with its line and column."""
    (tmp_path / "x.yaml").write_text(text)
    code, output = run(tmp_path, "x.yaml")
    assert code == 0, output
    return [line.removeprefix("x.yaml:") for line in output.splitlines() if "warning" in line]


def test_a_metric_that_the_trainer_does_not_log_is_a_warning_that_says_where_to_add_it(tmp_path: Path) -> None:
    text = f"method: grid\n{TRAINER}metric: {{name: val_acc}}\nparameters: {{seed: {{value: 1}}}}\n"

    assert warned(tmp_path, text) == [
        "3:10: warning: `metric.name` is 'val_acc', which the trainer does not log. Did you mean `val_accuracy`?"
        " One that your model or callbacks log is added to `LOGGED` in app/config.py, which has epoch, loss, accuracy,"
        " val_loss, val_accuracy, test_loss, test_accuracy."
    ]


@pytest.mark.parametrize(
    "starts",
    [
        "program: app/train.py\n",
        "program: ./app/train.py\ncommand: [python, '${program}', '${args}']\n",
        "command: [python, /srv/tf-sweeps/app/train.py, '${args}']\n",
    ],
)
def test_the_trainer_is_known_by_its_file_too(tmp_path: Path, starts: str) -> None:
    (line,) = lines(tmp_path, "layer_sise: {value: 1}", command=starts)

    assert "unknown key `layer_sise`. Did you mean `layer1_size`?" in line


def test_a_file_without_a_program_says_that_only_a_program_can_run_it(tmp_path: Path) -> None:
    sweep = f"method: grid\n{PARAMETERS}"
    only = "`wandb agent` has nothing to run; only `wandb.agent(..., function=...)` in a program can."

    assert warned(tmp_path, sweep) == [f"1:1: warning: neither `program` nor `command` is there: {only}"]
    assert warned(tmp_path, f"{sweep}command: [python, '${{program}}', '${{args}}']\n") == [
        f"3:1: warning: `command` has ${{program}}, and `program` is not there: {only}"
    ]


def test_a_program_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    sweep = f"method: grid\n{PARAMETERS}"
    (tmp_path / "train.py").touch()

    assert warned(tmp_path, f"{sweep}program: trian.py\n") == [
        "3:1: warning: `program` is 'trian.py', and no such file is here or beside the sweep file."
        " Did you mean train.py? Agents look for it where they are started."
    ]


@pytest.mark.parametrize(
    "starts",
    [
        "program: mine.py",
        "program: beside.py",
        "program: pkg.mine\ncommand: [python, -m, '${program}']",
        "program: sh\ncommand: ['${program}', run.sh]",
        "program: unused.py\ncommand: [sh, run.sh]",
        "job: team/project/job:latest",
    ],
)
def test_what_an_agent_can_start_is_no_doubt(tmp_path: Path, starts: str) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "mine.py").touch()
    (tmp_path / "sweeps" / "beside.py").touch()
    (tmp_path / "sweeps" / "x.yaml").write_text(f"method: grid\n{PARAMETERS}{starts}\n")

    assert run(tmp_path, "sweeps/x.yaml") == (0, "sweeps/x.yaml: no mistakes.\n")


def test_a_schedulers_source_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "space.py").touch()
    sweep = f"method: custom\nrun_cap: 3\n{ANOTHER}scheduler:\n  engine: optuna\n  search_space: branches\n  source: "

    assert warned(tmp_path, f"{sweep}spaec.py\n") == [
        "7:3: warning: `scheduler.source` is 'spaec.py', and no such file is here or beside the sweep file."
        " Did you mean space.py? `wandb sweep-scheduler` looks for it where it is started."
    ]
    (tmp_path / "x.yaml").write_text(f"{sweep}space.py\n")
    assert run(tmp_path, "x.yaml") == (0, "x.yaml: no mistakes.\n")


def test_what_a_function_suggests_is_not_missing_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "space.py").touch()
    space = "scheduler: {engine: optuna, source: space.py, search_space: branches}\n"
    (tmp_path / "x.yaml").write_text(f"method: custom\nrun_cap: 3\n{TRAINER}{space}")
    assert run(tmp_path, "x.yaml") == (0, "x.yaml: no mistakes.\n")

    (tmp_path / "x.yaml").write_text(
        f"method: custom\nrun_cap: 3\n{TRAINER}{space}parameters: {{layer: {{value: 1}}}}\n"
    )
    assert "unknown key `layer`" in run(tmp_path, "x.yaml")[1]


@pytest.mark.parametrize(
    ("epochs", "section", "most"),
    [
        ("seed: {value: 1}", "{type: hyperband, min_iter: 6}", 5),  # as many as a trial takes by itself
        ("epochs: {values: [2, 3]}", "{type: hyperband, min_iter: 4}", 3),
        ("epochs: {min: 2, max: 5}", "{type: hyperband, min_iter: 6}", 5),
        ("epochs: {value: 8}", "{type: hyperband, max_iter: 27, s: 1}", 8),
    ],
)
def test_early_termination_that_no_trial_reaches_is_a_mistake(
    tmp_path: Path, epochs: str, section: str, most: int
) -> None:
    (line,) = lines(tmp_path, epochs, f"metric: {{name: loss}}\nearly_terminate: {section}\n")

    assert line == (
        f"5:36: `early_terminate` looks at runs after {most + 1} epochs for the first time, and no trial has more than"
        f" {most}: it can stop none. Allowed: a first bracket from 1 to {most}."
    )
    assert lines(tmp_path, "epochs: {value: 9}", f"metric: {{name: loss}}\nearly_terminate: {section}\n") == []


def test_a_sweep_that_is_to_run_is_refused_with_every_mistake(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        f"method: grid\n{TRAINER}parameters: {{layer: {{value: 1}}, epochs: {{value: 0}}}}"
    )

    with pytest.raises(SettingError) as caught:
        check.sweep(tmp_path / "x.yaml")

    assert len(caught.value.message.splitlines()) == 2
    assert caught.value.exit_code == 2
