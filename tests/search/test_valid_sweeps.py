"""What W&B runs is no mistake: every distribution, key and form that its documentation and its own tests use."""

import pytest

from search.config import check

PARAMETERS = [
    # One value, or one of several: any YAML.
    "{value: 1}",
    "{value: null}",
    "{value: false}",
    "{value: {depth: 2, widths: [64, 32]}}",
    "{distribution: constant, value: adam}",
    "{values: [adam, sgd]}",
    "{values: [64]}",
    "{values: [1, 2.5, three, null, true]}",
    "{values: ['0.15', '0.2']}",
    "{values: [[64, 32], [128, 64, 32]]}",
    "{values: [{lr: 0.1}, {lr: 0.2}]}",
    "{values: [1, 1, 2]}",
    "{values: [!!float 1e-5, !!float 1e-3]}",
    "{distribution: categorical, values: [relu, tanh]}",
    "{values: [a, b, c], probabilities: [0.2, 0.3, 0.5]}",
    "{values: [a, b], probabilities: [0, 1]}",
    "{values: [a, b, c], probabilities: [0.333333, 0.333333, 0.333333]}",
    "{distribution: categorical_w_probabilities, values: [a, b], probabilities: [0.5, 0.5]}",
    # Uniform: told by its limits alone, or by name.
    "{min: 1, max: 8}",
    "{max: 6, min: -5}",
    "{min: 0.0, max: 0.5}",
    "{min: !!float 1e-5, max: !!float 1e-1}",
    "{min: 1.0e-5, max: 1.0e-1}",
    "{distribution: int_uniform, min: 16, max: 512}",
    "{distribution: uniform, min: 0, max: 0.1}",
    "{distribution: uniform, min: 0, max: 1}",
    "{distribution: q_uniform, min: 0, max: 1, q: 0.05}",
    "{distribution: q_uniform, min: 8, max: 256}",
    "{distribution: q_uniform, min: 0, max: 10, q: 3}",
    # Its logarithm is uniform.
    "{distribution: log_uniform_values, min: 0.0001, max: 0.1}",
    "{distribution: q_log_uniform_values, q: 8, min: 32, max: 256}",
    "{distribution: q_log_uniform_values, min: 1, max: 1000}",
    "{distribution: inv_log_uniform_values, min: 0.9, max: 0.999}",
    # Bells.
    "{distribution: normal}",
    "{distribution: normal, mu: 100, sigma: 10}",
    "{distribution: normal, mu: 1, sigma: 0}",
    "{distribution: q_normal, mu: 0.5, sigma: 0.2, q: 0.1}",
    "{distribution: q_normal}",
    "{distribution: log_normal, mu: -3, sigma: 1}",
    "{distribution: log_normal}",
    "{distribution: q_log_normal, mu: 2, sigma: 0.5, q: 4}",
    "{distribution: q_log_normal}",
    "{distribution: beta}",
    "{distribution: beta, a: 2, b: 5}",
    "{distribution: q_beta, a: 0.5, b: 0.5, q: 0.2}",
    "{distribution: q_beta}",
    # Nested.
    "{parameters: {momentum: {distribution: uniform, min: 0.0, max: 0.9}, decay: {values: [0.1, 0.2]}}}",
    "{parameters: {outer: {parameters: {inner: {parameters: {x: {value: 1}}}}}}}",
    "{parameters: {p: {min: 1, max: 9}}}",  # the name of one outside
]

IN_A_GRID = [
    "{value: 1}",
    "{values: [1, 2, a, null]}",
    "{values: [0.15, 0.2]}",
    "{min: 1, max: 5}",
    "{distribution: int_uniform, min: -2, max: 2}",
    "{distribution: q_uniform, min: 0, max: 1, q: 0.25}",
    "{parameters: {a: {values: [1, 2]}, b: {parameters: {c: {value: 3}}}}}",
]

PARAMETER = "parameters: {p: {values: [1, 2]}}\n"
GRID = f"method: grid\n{PARAMETER}"
LOSS = "metric: {name: loss}\n"

SWEEPS = [
    GRID,
    f"{GRID}run_cap: 1\n",
    f"{GRID}run_cap: 300\n",
    f"{GRID}program: train.py\nname: first\nproject: mine\nentity: team\ndescription: what it is for\n",
    f"{GRID}apiVersion: v1\nkind: sweep\n",
    f"{GRID}controller: {{type: local}}\n",
    f"{GRID}controller: {{type: cloud}}\n",
    f"{GRID}job: team/project/job:latest\n",
    f"{GRID}image_uri: registry/image:1\n",
    f"{GRID}metric: {{name: val/loss}}\n",
    f"{GRID}metric: {{name: loss, goal: minimize}}\n",
    f"{GRID}metric: {{goal: maximize, name: accuracy, target: 0.99}}\n",
    f"{GRID}metric: {{name: loss, target: 1}}\n",
    f"{GRID}metric: {{name: loss, impute: best, impute_while_running: latest}}\n",
    f'{GRID}metric: {{name: loss, impute: worst, impute_while_running: "false"}}\n',
    f"{GRID}{LOSS}early_terminate: {{type: hyperband, min_iter: 3}}\n",
    f"{GRID}{LOSS}early_terminate: {{type: hyperband, max_iter: 27, s: 2}}\n",
    f"{GRID}{LOSS}early_terminate: {{type: hyperband, s: 2, eta: 3, max_iter: 27}}\n",
    f"{GRID}{LOSS}early_terminate: {{type: hyperband, min_iter: 1, eta: 1.5, strict: true}}\n",
    f'{GRID}program: run.py\ncommand: ["${{env}}", python3, "${{program}}", "${{args}}"]\n',
    GRID + "program: run.py\ncommand:\n  - ${env}\n  - ${interpreter}\n  - ${program}\n  - --size=${p}\n",
    GRID + 'command: [main.sh, "${args_no_hyphens}", "${args_json}", "${envvar:HOME}", --test=True]\n',
    f"{GRID}command: [python, main.py, --epochs, 5, --rate, 0.1, --fast, true]\n",
    f"method: grid\n{PARAMETER}scheduler: {{engine: wandb}}\n",
    f"method: custom\nrun_cap: 9\n{PARAMETER}scheduler: {{engine: optuna}}\n",
    f"method: custom\n{PARAMETER}scheduler: {{engine: ax, source: s.py, optimizer: build}}\n",
    "method: custom\nrun_cap: 9\nscheduler: {engine: optuna, source: s.py, search_space: space}\n",
    f"method: custom\n{PARAMETER}metrics: [{{name: loss}}, {{name: accuracy, goal: maximize}}]\n",
    f"method: bayes\nrun_cap: 9\n{LOSS}{PARAMETER}",
    f"method: random\nrun_cap: 9\n{PARAMETER}",
    "method: grid\nparameters: {_private: {value: 1}, a.b-c_1: {value: 1}, A: {value: 1}}\n",
    "method: grid\nparameters:\n  a: &sizes\n    values: [1, 2]\n  b: *sizes\n",
    "---\n# a comment\nmethod: grid\nparameters:\n  a:\n    values:\n    - 1\n    - 2\n...\n",
]

OFTEN_MEANT_OTHERWISE = {
    f"method: custom\n{PARAMETER}scheduler: {{engine: optuna}}\n": "without `run_cap` never ends",
    f"method: bayes\nrun_cap: 9\n{LOSS}{PARAMETER}scheduler: {{engine: wandb, source: s.py, search_space: space}}\n": (
        "is heeded by optuna alone"
    ),
    f"method: random\n{PARAMETER}": "without `run_cap` never ends",
    f"method: bayes\n{LOSS}{PARAMETER}": "without `run_cap` never ends",
    "method: grid\nparameters: {p: {values: [1e-5, 1e-6]}}\n": "may be the text '1e-",
    "method: grid\nparameters: {p: {value: 1e-5}}\n": "may be the text '1e-5'",
    **{
        f"method: random\nrun_cap: 1\nparameters: {{p: {{distribution: {name}, min: -5, max: 1}}}}\n": "exponents of e"
        for name in ("log_uniform", "q_log_uniform", "inv_log_uniform")
    },
}


@pytest.mark.parametrize("method", ["random", "bayes", "custom"])
@pytest.mark.parametrize("spec", PARAMETERS)
def test_every_distribution_is_taken_by_every_method_that_draws(spec: str, method: str) -> None:
    checked = check(f"method: {method}\nrun_cap: 9\n{LOSS}parameters: {{p: {spec}, q: {{value: 1}}}}\n")

    assert (checked.mistakes, checked.warnings) == ((), ())


@pytest.mark.parametrize("spec", IN_A_GRID)
def test_a_grid_takes_all_that_has_a_list_of_values(spec: str) -> None:
    checked = check(f"method: grid\nparameters: {{p: {spec}}}\n")

    assert (checked.mistakes, checked.warnings) == ((), ())


@pytest.mark.parametrize("text", SWEEPS)
def test_every_key_is_taken(text: str) -> None:
    checked = check(text)

    assert (checked.mistakes, checked.warnings) == ((), ())


@pytest.mark.parametrize("text", OFTEN_MEANT_OTHERWISE)
def test_what_is_valid_and_often_meant_otherwise_is_a_warning_only(text: str) -> None:
    checked = check(text)

    assert checked.mistakes == ()
    assert all(OFTEN_MEANT_OTHERWISE[text] in warning.message for warning in checked.warnings)
    assert checked.warnings
