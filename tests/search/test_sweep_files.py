"""`search.config.parse` on sweep files that are right."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from search.config import SweepConfig, check, parse
from search.document import Problem

EVERY_KEY = """
apiVersion: v1
kind: sweep
name: all of it
description: every key that W&B knows
program: train.py
project: wandb-sweep-practice
entity: me
job: me/project/job:latest
image_uri: image
method: bayes
run_cap: 20
metric: {name: val_loss, goal: minimize, target: 0.1, impute: latest, impute_while_running: "false"}
early_terminate: {type: hyperband, min_iter: 3, max_iter: 27, s: 2, eta: 3, strict: false}
controller: {type: cloud}
command: ["${env}", "${interpreter}", "${program}", "${args}"]
parameters:
  constant: {value: null}
  categorical: {values: [1, a, null, true, [1], {b: 2}]}
  weighted: {values: [a, b], probabilities: [0.25, 0.75]}
  whole: {min: 1, max: 5}
  real: {min: 0.0, max: 1.0}
  explicit: {distribution: uniform, min: 0, max: 1}
  q_uniform: {distribution: q_uniform, min: 0, max: 1, q: 0.1}
  log_uniform: {distribution: log_uniform, min: -5, max: 0}
  log_uniform_values: {distribution: log_uniform_values, min: 1.0e-5, max: 1}
  q_log_uniform: {distribution: q_log_uniform, min: 0, max: 5}
  q_log_uniform_values: {distribution: q_log_uniform_values, min: 1, max: 512, q: 1}
  inv_log_uniform: {distribution: inv_log_uniform, min: 0, max: 5}
  inv_log_uniform_values: {distribution: inv_log_uniform_values, min: 0.1, max: 1}
  normal: {distribution: normal, mu: 1, sigma: 0.1}
  q_normal: {distribution: q_normal}
  log_normal: {distribution: log_normal}
  q_log_normal: {distribution: q_log_normal, q: 2}
  beta: {distribution: beta, a: 2, b: 3}
  q_beta: {distribution: q_beta, q: 0.1}
  group: {parameters: {inner.name-1: {min: 1, max: 2}, deeper: {parameters: {x: {value: 1}}}}}
"""


def test_every_key_and_distribution_of_wandb_is_read() -> None:
    config = parse(EVERY_KEY)

    assert config.method == "bayes"
    assert config.run_cap == 20
    assert config.metric is not None
    assert (config.metric.name, config.metric.goal, config.metric.target) == ("val_loss", "minimize", 0.1)
    assert config.early_terminate is not None
    assert config.early_terminate.strict is False
    assert config.command == ["${env}", "${interpreter}", "${program}", "${args}"]
    assert (config.name, config.project, config.entity) == ("all of it", "wandb-sweep-practice", "me")
    assert config.space[("weighted",)].distribution == "categorical_w_probabilities"
    assert config.space[("whole",)].distribution == "int_uniform"
    assert config.space[("real",)].distribution == "uniform"
    assert config.space[("group", "inner.name-1")].distribution == "int_uniform"


def test_raw_is_the_plain_document() -> None:
    assert parse(EVERY_KEY).raw == yaml.safe_load(EVERY_KEY)


def test_the_space_is_sorted_at_each_level_as_wandb_sorts_it() -> None:
    config = parse(
        "method: grid\nparameters: {b: {value: 1}, B: {value: 1}, a: {parameters: {z: {value: 1}, c.d: {value: 1}}}}"
    )

    assert list(config.space) == [("B",), ("a", "c.d"), ("a", "z"), ("b",)]


def test_custom_sweeps_of_a_client_side_engine_are_read() -> None:
    config = parse(
        "method: custom\nmetrics: [{name: loss}, {name: size}]\n"
        "scheduler: {engine: optuna, source: s.py, optimizer: make, search_space: space}"
    )

    assert config.scheduler is not None
    assert config.scheduler.engine == "optuna"
    assert config.metrics is not None
    assert len(config.metrics) == 2


def test_a_bayes_sweep_with_a_scheduler_may_leave_its_metric_to_it() -> None:
    assert parse("method: bayes\nscheduler: {engine: wandb}\nparameters: {a: {value: 1}}").metric is None


def test_bounds_of_two_kinds_are_read_within_a_group_where_the_client_lets_them_pass() -> None:
    config = parse("method: random\nparameters: {net: {parameters: {x: {min: 0, max: 0.5}}}}")

    assert config.space[("net", "x")].distribution == "uniform"


def test_wandb_writes_a_whole_number_with_a_point_too() -> None:
    assert parse("method: random\nrun_cap: 3.0\nparameters: {a: {value: 1}}").run_cap == 3


def test_aliases_and_merges_are_read_as_the_client_reads_them() -> None:
    text = """
    method: grid
    parameters:
      a: &range {min: 1, max: 3}
      b: {<<: *range, max: 4}
      c: {<<: [{min: 0}, *range]}
      d: *range
    """

    assert parse(text).raw == yaml.safe_load(text)


def client_dump(config: dict[str, Any]) -> str:
    """What the W&B client sends: its own dump of the file after a round trip through JSON."""
    return yaml.dump(json.loads(json.dumps(config)))


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
names = st.text(min_size=1, max_size=9).filter(str.isprintable)
leaves = (
    st.builds(lambda value: {"value": value}, values)
    | st.builds(lambda some: {"values": some}, st.lists(values, min_size=1, max_size=4))
    | st.builds(
        lambda low, span: {"min": low, "max": low + span, "distribution": "int_uniform"},
        st.integers(-(2**40), 2**40),
        st.integers(1, 2**40),
    )
)
parameters = st.recursive(
    st.dictionaries(names, leaves, min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        names, leaves | st.builds(lambda group: {"parameters": group}, inner), min_size=1, max_size=3
    ),
    max_leaves=6,
)


@given(parameters)
def test_what_the_client_sends_comes_through_unchanged(parameters: dict[str, Any]) -> None:
    config = {"method": "grid", "parameters": parameters}

    assert parse(client_dump(config)).raw == config


def test_a_config_cannot_be_changed() -> None:
    config = parse("method: grid\nparameters: {a: {value: 1}}")

    with pytest.raises(ValueError, match="frozen"):
        config.method = "random"


def warnings(text: str) -> tuple[str, ...]:
    return parse(text).warnings


def test_a_random_sweep_without_run_cap_warns() -> None:
    assert warnings("method: random\nparameters: {a: {value: 1}}") == (
        "a random sweep without `run_cap` never ends by itself.",
    )


def test_text_among_values_that_looks_like_a_number_warns_once() -> None:
    assert warnings("method: grid\nparameters: {lr: {values: [1e-4, 1e-4, 0.1, '32']}}") == (
        "`parameters.lr` may be the text '1e-4': YAML reads no number in this form; write 0.0001.",
    )


def test_exponents_of_e_warn_with_the_range_that_they_mean() -> None:
    assert warnings(
        "method: random\nrun_cap: 1\nparameters: {lr: {distribution: log_uniform, min: 0.0001, max: 0.1}}"
    ) == (
        "`parameters.lr` is drawn from log_uniform, whose `min` and `max` are exponents of e: its values lie between 1"
        " and 1.105; log_uniform_values takes the limits themselves.",
    )


def test_min_iter_beside_max_iter_and_s_warns_with_the_brackets_that_count() -> None:
    sweep = "method: grid\nmetric: {name: loss}\nparameters: {a: {values: [1]}}\nearly_terminate: {type: hyperband, "

    assert warnings(sweep + "min_iter: 7, max_iter: 19, s: 2}") == (
        "`early_terminate.min_iter` is 7 and counts for nothing beside `max_iter` and `s`, by which runs are compared"
        " after 2, 6 values of the metric; leave out `min_iter`, or `max_iter` and `s`.",
    )
    assert warnings(sweep + "min_iter: 7}") == warnings(sweep + "max_iter: 19, s: 2}") == ()


@pytest.mark.parametrize(
    "name", ["++model.x", "trainer/opt/init_args/lr", "~callbacks", "db@train", "größe", "1st", "a b"]
)
def test_a_name_that_w_b_complains_of_and_runs_is_a_warning(name: str) -> None:
    (warning,) = warnings(f"method: grid\nparameters: {{group: {{parameters: {{'{name}': {{values: [1, 2]}}}}}}}}")

    assert warning == (
        f"`parameters.group.parameters.{name}` is an unusual name: W&B's client complains of it, too, and runs it."
        f" Usual are a letter or _, then letters, digits, _ . and -. ${{args}} writes '--{name}=...',"
        " ${args_no_hyphens} leaves out the hyphens."
    )


def test_a_plain_grid_has_no_warnings() -> None:
    assert warnings("method: grid\nparameters: {a: {values: [1, 2.5, x]}}") == ()


def test_each_warning_has_its_place() -> None:
    checked = check(
        "method: bayes\nmetric: {name: x}\nparameters:\n  lr:\n    values:\n      - 1e-4\n      - 1e-3\n"
        "  decay: {distribution: log_uniform, min: -5, max: 0}\n"
    )

    assert checked.mistakes == ()
    assert [warning.line("x.yaml").partition(": ")[0] for warning in checked.warnings] == [
        "x.yaml:1:1",
        "x.yaml:6:9",
        "x.yaml:7:9",
        "x.yaml:8:11",
    ]


def test_further_rules_are_told_in_the_files_order_and_leave_no_warning_at_their_places() -> None:
    text = "method: random\nparameters: {a: {value: 1e-4}}\nrun_capp: 3\n"

    checked = check(text, [lambda data: [Problem(("parameters", "a", "value"), "no text, please.")]])

    assert checked.mistakes[0].line("x") == "x:2:18: no text, please."
    assert [mistake.place.line for mistake in checked.mistakes] == [2, 3]
    assert checked.warnings == ()


@pytest.mark.parametrize("path", sorted(Path("sweeps").glob("*.yaml")), ids=str)
def test_every_sweep_of_this_project_is_read_without_a_warning(path: Path) -> None:
    config = parse(path.read_text(), str(path))

    assert isinstance(config, SweepConfig)
    assert config.warnings == ()
