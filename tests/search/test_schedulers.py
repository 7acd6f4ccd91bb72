"""Sweep files for W&B's own engines: what is right passes, each mistake is told once, in its place."""

import pytest

from search.config import check

OPTUNA = "method: custom\nscheduler: {engine: optuna}\nrun_cap: 9\n"
AX = "method: custom\nscheduler: {engine: ax}\nrun_cap: 9\n"
TAKEN = "Allowed: `value`, `values`, int_uniform, uniform, q_uniform, log_uniform_values, q_log_uniform_values"
OR_OWN = ", or a function of your own as `scheduler.search_space`."


def told(text: str) -> tuple[list[str], list[str]]:
    """Mistakes with their lines, and warnings."""
    checked = check(text)
    mistakes = [f"{mistake.place.line}: {mistake.message}" for mistake in checked.mistakes]
    return mistakes, [warning.message for warning in checked.warnings]


@pytest.mark.parametrize(
    "text",
    [
        f"{OPTUNA}metrics: [{{name: loss}}, {{name: size}}]\nparameters: {{x: {{min: 0.0, max: 1.0}}}}",
        f"{OPTUNA}parameters: {{x: {{distribution: q_log_uniform_values, min: 1, max: 9, q: 2}}, y: {{value: 1}}}}",
        "method: custom\nscheduler: {engine: optuna, source: space.py, search_space: branches}\nrun_cap: 9",
        "method: custom\nscheduler: {engine: optuna, source: s.py, optimizer: grid}\nparameters: {x: {values: [1]}}",
        f"{AX}metrics: [{{name: loss}}, {{name: size}}]\nparameters: {{x: {{values: [1, 2.5]}}}}",
        "method: custom\nscheduler: {engine: ax, source: s.py, optimizer: client}\n"
        "parameters: {x: {distribution: normal, mu: 0, sigma: 1}}",
        "method: grid\nscheduler: {engine: wandb}\nparameters: {x: {values: [1, 2]}}",
    ],
)
def test_a_right_file_passes_without_a_word(text: str) -> None:
    assert told(text) == ([], [])


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            f"{OPTUNA}parameters:\n  x: {{distribution: normal, mu: 0, sigma: 1}}",
            f"5: `parameters.x.distribution` is normal, which optuna does not take. {TAKEN}{OR_OWN}",
        ),
        (
            f"{OPTUNA}parameters:\n  x: {{parameters: {{y: {{value: 1}}}}}}",
            f"5: `parameters.x` is nested, which optuna does not take. {TAKEN}{OR_OWN}",
        ),
        (
            f"{AX}parameters:\n  x: {{distribution: categorical_w_probabilities, values: [1], probabilities: [1.0]}}",
            f"5: `parameters.x.distribution` is categorical_w_probabilities, which ax does not take. {TAKEN}.",
        ),
        (
            f"{AX}parameters:\n  x: {{distribution: q_log_uniform_values, min: 1, max: 9, q: 2}}",
            "5: `parameters.x.q` is 2: ax has log steps of 1 alone.",
        ),
        (
            f"{AX}parameters:\n  x: {{values: [1, a]}}",
            "5: `parameters.x.values` are of several types, which ax does not take: use those of one.",
        ),
        (
            f"{OPTUNA}early_terminate: {{type: hyperband, min_iter: 1}}\nmetric: {{name: loss}}\n"
            "parameters: {x: {value: 1}}",
            "4: `early_terminate` stands beside `scheduler`, which stops runs itself.",
        ),
    ],
)
def test_a_mistake_is_told_once_with_its_line(text: str, mistake: str) -> None:
    mistakes, _ = told(text)

    assert mistakes == [mistake]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "method: custom\nscheduler: {engine: ax}\nparameters: {x: {min: 1, max: 9}}",
            "a sweep of the engine ax without `run_cap` never ends by itself.",
        ),
        (
            "method: custom\nrun_cap: 3\nscheduler: {engine: ax, source: s.py, search_space: f}\n"
            "parameters: {x: {min: 1, max: 9}}",
            "`scheduler.search_space` is heeded by optuna alone, not by ax.",
        ),
        (
            f"{OPTUNA}parameters: {{x: {{values: [1, 2], probabilities: [0.5, 0.5]}}}}",
            "`parameters.x.probabilities` are not heeded by optuna: leave them out.",
        ),
    ],
)
def test_what_an_engine_passes_over_is_a_warning(text: str, warning: str) -> None:
    assert told(text) == ([], [warning])
