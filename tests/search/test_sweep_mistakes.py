"""`search.config.parse` on sweep files that are wrong: each kind of mistake with its exact words."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from search.config import ConfigError, parse

TOP_LEVEL = (
    "method, parameters, metric, metrics, run_cap, early_terminate, name, description, program, command, project,"
    " entity, controller, scheduler, job, image_uri, apiVersion, kind, x-sweep"
)
DISTRIBUTIONS = (
    "constant, categorical, categorical_w_probabilities, int_uniform, uniform, q_uniform, log_uniform,"
    " log_uniform_values, q_log_uniform, q_log_uniform_values, inv_log_uniform, inv_log_uniform_values, normal,"
    " q_normal, log_normal, q_log_normal, beta, q_beta"
)
PARAMETERS = "parameters: {a: {value: 1}}\n"


def mistakes(text: str, source: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, source)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def of_parameter(spec: str, method: str = "random") -> list[str]:
    return mistakes(f"method: {method}\nparameters:\n  lr: {spec}\n")


def of_sweep(lines: str) -> list[str]:
    return mistakes(f"method: custom\n{PARAMETERS}{lines}")


def test_all_mistakes_are_told_at_once_in_the_files_order_with_their_places() -> None:
    text = """method: gird
metrics:
  name: val_loss
parameters:
  lr:
    mim: 0.1
    max: 1e-1
  units:
    values: 64
run_cap: 0
"""

    assert mistakes(text, "sweeps/x.yaml") == [
        "sweeps/x.yaml:1:1: `method` is 'gird'. Did you mean `grid`? Allowed: grid, random, bayes, custom.",
        "sweeps/x.yaml:2:1: `metrics` lists several goals: for one, the key is `metric`.",
        "sweeps/x.yaml:6:5: unknown key `parameters.lr.mim`. Did you mean `min`? Allowed here: distribution, min, max.",
        "sweeps/x.yaml:7:5: `parameters.lr.max` is the text '1e-1': YAML reads no number in this form; write 0.1.",
        "sweeps/x.yaml:9:5: `parameters.units.values` is 64: a list is due, as in [64].",
        "sweeps/x.yaml:10:1: `run_cap` is 0: a whole number from 1 to 2**53 is due.",
    ]


def test_without_a_source_the_message_stands_alone() -> None:
    assert mistakes(f"method: {{}}\n{PARAMETERS}") == ["`method` is {}. Allowed: grid, random, bayes, custom."]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "x.yaml:1:1: the sweep is empty: it needs at least `method` and `parameters`."),
        ("# nothing\n", "x.yaml:1:1: the sweep is empty: it needs at least `method` and `parameters`."),
        ("- a\n", "x.yaml:1:1: a sweep is a mapping with `method` and `parameters`; this is [a]."),
        ("just words", "x.yaml:1:1: a sweep is a mapping with `method` and `parameters`; this is 'just words'."),
        (
            "method: [grid\n",
            "x.yaml:2:1: not valid YAML: while parsing a flow sequence from line 1, expected ',' or ']', but got"
            " '<stream end>'.",
        ),
        ("method: grid\n\tname: x", "x.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token."),
        ("method: a\n  b: c", "x.yaml:2:4: not valid YAML: mapping values are not allowed here."),
        ("method:\n \x01", "x.yaml:2:2: not valid YAML: special characters are not allowed."),
        ("method: *m", "x.yaml:1:9: not valid YAML: found undefined alias 'm'."),
        ("? [a]\n: b", "x.yaml:1:3: a key must be text, not a list or a mapping."),
        ("a: {<<: [1]}", "x.yaml:1:9: `<<` merges mappings only."),
    ],
)
def test_what_is_no_sweep_at_all_is_one_mistake(text: str, problem: str) -> None:
    assert mistakes(text, "x.yaml") == [problem]


def laughs(first: str, next_: str) -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} {next_ % ', '.join([f'*a{i - 1}'] * 10)}" for i in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, "the sweep is nested deeper than 50 levels, or an alias holds itself."),
        ("{a: " * 50_000, "the sweep is nested deeper than 50 levels, or an alias holds itself."),
        ("a: &a [*a]", "the sweep is nested deeper than 50 levels, or an alias holds itself."),
        ("a: &a {<<: *a}", "the sweep is nested deeper than 50 levels, or an alias holds itself."),
        (
            laughs("[1, 2, 3]", "[%s]"),
            "the sweep holds more than 50,000 values, each alias counted as often as it is used.",
        ),
        (
            laughs("{x: 1, y: 2}", "{<<: [%s]}"),
            "the sweep holds more than 50,000 values, each alias counted as often as it is used.",
        ),
        ("x" * 300_001, "the sweep has 300,001 characters: at most 300,000 are read."),
    ],
    ids=["lists", "mappings", "endless alias", "endless merge", "many aliases", "many merges", "long"],
)
def test_a_text_made_to_exhaust_its_reader_is_one_mistake(text: str, problem: str) -> None:
    assert mistakes(text) == [problem]


def test_a_repeated_key_is_a_mistake_at_its_second_place() -> None:
    text = "method: grid\nmethod: random\nparameters: {a: {value: 1, value: 2}}"

    assert mistakes(text, "x.yaml") == [
        "x.yaml:2:1: key `method` stands in line 1 already.",
        "x.yaml:3:28: key `parameters.a.value` stands in line 3 already.",
    ]


def test_dates_keys_that_are_no_text_and_tags_are_named() -> None:
    text = "method: grid\nname: 2026-11-24\non: 1\nproject: !!int x\nparameters: {a: {value: !!set {b}}}\n"

    assert mistakes(text, "x.yaml") == [
        "x.yaml:2:1: `name` is a date to YAML: write it in quotes, '2026-11-24'.",
        "x.yaml:3:1: key `on` is not text to YAML: write it in quotes, 'on'.",
        "x.yaml:4:1: `project` is 'x', which cannot be read as !!int.",
        "x.yaml:5:18: `parameters.a.value` has the tag !!set: only plain YAML is read.",
    ]


def test_a_number_too_long_to_be_one_is_named() -> None:
    number = "0x" + "0" * 500  # which is 0, but reading such numbers takes quadratic time

    assert mistakes(f"method: grid\n{PARAMETERS}run_cap: {number}") == [
        f"`run_cap` is '{number[:58]}…, which cannot be read as !!int.",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (f"methd: grid\n{PARAMETERS}", [f"unknown key `methd`. Did you mean `method`? Allowed here: {TOP_LEVEL}."]),
        (f"{PARAMETERS}", ["`method` is missing. Allowed: grid, random, bayes, custom."]),
        ("method: grid\n", ["`parameters` is missing: it says what to search."]),
        (
            "method: grid\nparamters: {}\n",
            [f"unknown key `paramters`. Did you mean `parameters`? Allowed here: {TOP_LEVEL}."],
        ),
        ("method: grid\nparameters: {}\n", ["`parameters` has too few entries: 0, and the least is 1."]),
        ("method: grid\nparameters: [a]\n", ["`parameters` is [a]: a mapping is due."]),
        (
            f"method: GRID\n{PARAMETERS}",
            ["`method` is 'GRID'. Did you mean `grid`? Allowed: grid, random, bayes, custom."],
        ),
        (f"method: 5\n{PARAMETERS}", ["`method` is 5. Allowed: grid, random, bayes, custom."]),
        (f"method:\n{PARAMETERS}", ["`method` is null. Allowed: grid, random, bayes, custom."]),
    ],
)
def test_mistakes_in_method_and_parameters(text: str, problems: list[str]) -> None:
    assert mistakes(text) == problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("name: 5", "`name` is 5: text is due; write it in quotes, '5'."),
        ("description:", "`description` is empty: give it a value or leave it out."),
        ("run_cap: '3'", "`run_cap` is the text '3': write it without quotes."),
        ("run_cap: 2.5", "`run_cap` is 2.5: a whole number from 1 to 2**53 is due."),
        ("run_cap: 1.0e+30", "`run_cap` is 1.0e+30: a whole number from 1 to 2**53 is due."),
        ("run_cap: true", "`run_cap` is true: a number is due."),
        ("command: python train.py", "`command` is 'python train.py': a list is due, as in ['python train.py']."),
        ("command: [python, [1]]", "`command[1]` is [1]: text or a number is due."),
        ("command: [python, null]", "`command[1]` is null: text or a number is due."),
        ("kind: swap", "`kind` is 'swap'. Did you mean `sweep`? Allowed: sweep."),
        ("controller: {type: here}", "`controller.type` is 'here'. Allowed: cloud, local."),
        ("controller: {}", "`controller.type` is missing. Allowed: cloud, local."),
        ("metric: loss", "`metric` is 'loss': a mapping is due."),
        ("metric: {goal: minimize}", "`metric.name` is missing."),
        (
            "metric: {name: x, goal: max}",
            "`metric.goal` is 'max'. Did you mean `maximize`? Allowed: minimize, maximize.",
        ),
        ("metric: {name: x, target: }", "`metric.target` is empty: give it a value or leave it out."),
        ("metric: {name: x, target: low}", "`metric.target` is the text 'low': a number is due."),
        (
            "metric: {name: x, traget: 1}",
            "unknown key `metric.traget`. Did you mean `target`?"
            " Allowed here: name, goal, target, impute, impute_while_running.",
        ),
        (
            "metric: {name: x, impute_while_running: false}",
            "`metric.impute_while_running` is false, which is not text: write it in quotes, 'false'.",
        ),
        ("metrics: [{name: x}]", "`metrics` has too few entries: 1, and the least is 2."),
        (
            "metrics: [{name: x}, {nam: y}]",
            "unknown key `metrics[1].nam`. Did you mean `name`?"
            " Allowed here: name, goal, target, impute, impute_while_running.",
        ),
        ("metrics: [{name: x}, {name: y}, {name: x}]", "`metrics` has 'x' twice: each metric is one goal."),
        (
            "metric: {name: x}\nmetrics: [{name: x}, {name: y}]",
            "`metrics` stands beside `metric`: several goals take `metrics`, one takes `metric`.",
        ),
        (
            "scheduler: {engine: optuno}",
            "`scheduler.engine` is 'optuno'. Did you mean `optuna`? Allowed: wandb, optuna, ax.",
        ),
        ("scheduler: {engine: wandb}", "`scheduler.engine: wandb` needs `method`: grid or random or bayes."),
        (
            "scheduler: {engine: ax, optimizer: make}",
            "`scheduler.source` is missing: the file in which `optimizer` finds 'make'.",
        ),
        (
            "scheduler: {engine: ax}\ncontroller: {type: local}",
            "`controller: {type: local}` stands beside `scheduler`: only one can suggest.",
        ),
    ],
)
def test_mistakes_in_the_other_keys(lines: str, problem: str) -> None:
    assert of_sweep(lines) == [problem]


def test_several_goals_need_a_custom_method() -> None:
    assert mistakes(f"method: random\n{PARAMETERS}metrics: [{{name: x}}, {{name: y}}]") == [
        "`metrics` needs `method: custom` and `scheduler: {engine: optuna}`, or ax, not random; for one goal the key is"
        " `metric`.",
    ]


def test_bayes_and_early_termination_need_a_metric() -> None:
    assert mistakes(f"method: bayes\n{PARAMETERS}early_terminate: {{type: hyperband, min_iter: 1}}") == [
        "`metric` is missing: needed by `method: bayes` and `early_terminate`, as in {name: val_loss, goal: minimize}.",
    ]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("{type: hyperband}", "`early_terminate` needs `min_iter`, or `max_iter` and `s`."),
        ("{type: hyperband, max_iter: 9}", "`early_terminate` needs `min_iter`, or `max_iter` and `s`."),
        (
            "{type: hyperband, min_itr: 9}",
            "unknown key `early_terminate.min_itr`. Did you mean `min_iter`?"
            " Allowed here: type, min_iter, max_iter, s, eta, strict.",
        ),
        ("{min_iter: 9}", "`early_terminate.type` is missing. Allowed: hyperband."),
        ("{type: median, min_iter: 9}", "`early_terminate.type` is 'median'. Allowed: hyperband."),
        ("{type: hyperband, min_iter: 0}", "`early_terminate.min_iter` is 0: a whole number from 1 to 2**53 is due."),
        ("{type: hyperband, min_iter: 1, eta: 1}", "`early_terminate.eta` is 1: it must be above 1."),
        ("{type: hyperband, min_iter: 1, strict: 1}", "`early_terminate.strict` is 1: true or false is due."),
        (
            "{type: hyperband, max_iter: 9, s: 1.5}",
            "`early_terminate.s` is 1.5: a whole number from 1 to 2**53 is due.",
        ),
    ],
)
def test_mistakes_in_early_termination(section: str, problem: str) -> None:
    assert of_sweep(f"metric: {{name: x}}\nearly_terminate: {section}") == [problem]


def test_early_termination_beside_a_scheduler_is_a_mistake() -> None:
    assert of_sweep(
        "metric: {name: x}\nearly_terminate: {type: hyperband, min_iter: 1}\nscheduler: {engine: optuna}"
    ) == ["`early_terminate` stands beside `scheduler`, which stops runs itself."]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("0.1", "`parameters.lr` is 0.1: a mapping is due, as in {value: 0.1}."),
        ("[0.1, 1]", "`parameters.lr` is [0.1, 1]: a mapping is due, as in {values: [0.1, 1]}."),
        (
            "{}",
            "`parameters.lr` does not say what to draw: give `value`, `values`, `min` and `max`, `parameters` or a"
            " `distribution`.",
        ),
        (
            "{mu: 1}",
            "`parameters.lr` does not say what to draw: give `value`, `values`, `min` and `max`, `parameters` or a"
            " `distribution`. With mu go: normal, q_normal, log_normal, q_log_normal.",
        ),
        (
            "{vales: [1]}",
            "unknown key `parameters.lr.vales`. Did you mean `values`? Allowed here: distribution, value, values,"
            " probabilities, min, max, q, mu, sigma, a, b, parameters.",
        ),
        (
            "{distribution: unifrom, min: 0, max: 1}",
            f"`parameters.lr.distribution` is 'unifrom'. Did you mean `uniform`? Allowed: {DISTRIBUTIONS}.",
        ),
        (
            "{distribution: [uniform], min: 0, max: 1}",
            f"`parameters.lr.distribution` is [uniform]. Did you mean `uniform`? Allowed: {DISTRIBUTIONS}.",
        ),
        ("{min: 1}", "`parameters.lr.max` is missing."),
        (
            "{min: 1, max: 2, q: 1}",
            "`parameters.lr.q` does not go with int_uniform."
            " With min, max, q go: q_uniform, q_log_uniform, q_log_uniform_values.",
        ),
        (
            "{value: 1, values: [1]}",
            "`parameters.lr.values` does not go with constant. Allowed here: distribution, value.",
        ),
        ("{parameters: {x: {value: 1}}, value: 1}", "unknown key `parameters.lr.value`. Allowed here: parameters."),
        (
            "{parameters: {x: {min: 1, max: 0}}}",
            "`parameters.lr.parameters.x.max` is 0: it must be above `min`, which is 1.",
        ),
        ("{parameters: {}}", "`parameters.lr.parameters` has too few entries: 0, and the least is 1."),
        ("{values: []}", "`parameters.lr.values` has too few entries: 0, and the least is 1."),
        (
            "{values: [1, 2], probabilities: [1]}",
            "`parameters.lr.probabilities` has the length 1, and `values` has 2: one probability for each value.",
        ),
        (
            "{values: [1, 2], probabilities: [0.5, 0.6]}",
            "`parameters.lr.probabilities` sums to 1.1: it must sum to 1.",
        ),
        (
            "{values: [1, 2], probabilities: [1.5, -0.5]}",
            "`parameters.lr.probabilities[1]` is -0.5: it must not be below 0.",
        ),
        ("{min: 2.5, max: 2.5}", "`parameters.lr.max` is 2.5: it must be above `min`, which is 2.5."),
        (
            "{min: 1e-4, max: 1.0}",
            "`parameters.lr.min` is the text '1e-4': YAML reads no number in this form; write 0.0001.",
        ),
        (
            "{min: -1.5e3, max: 1.0}",
            "`parameters.lr.min` is the text '-1.5e3': YAML reads no number in this form; write -1500.0.",
        ),
        ("{min: '0.1', max: 1.0}", "`parameters.lr.min` is the text '0.1': write it without quotes."),
        ("{min: small, max: 1.0}", "`parameters.lr.min` is the text 'small': a number is due."),
        ("{min: true, max: 1.0}", "`parameters.lr.min` is true: a number is due."),
        ("{min: 0.0, max: .inf}", "`parameters.lr.max` is .inf: a number between -1e+100 and 1e+100 is due."),
        ("{min: .nan, max: 1.0}", "`parameters.lr.min` is .nan: a number between -1e+100 and 1e+100 is due."),
        (
            "{min: 0, max: 1.0}",
            "`parameters.lr` goes from 0 to 1.0: one is whole, one is not;"
            " write both with a point, or both without, or give a `distribution`.",
        ),
        (
            "{distribution: int_uniform, min: true, max: 2}",
            "`parameters.lr.min` is true: a whole number is due for int_uniform.",
        ),
        (
            "{distribution: int_uniform, min: 1.0, max: 2}",
            "`parameters.lr.min` is 1.0: a whole number is due for int_uniform.",
        ),
        (
            "{min: 0, max: 9007199254740993}",
            "`parameters.lr.max` is 9007199254740993: a whole number between -2**53 and 2**53 is due.",
        ),
        (
            "{distribution: log_uniform_values, min: 0, max: 1}",
            "`parameters.lr.min` is 0: it must be above 0, by 1e-100 at least.",
        ),
        (
            "{distribution: log_uniform, min: 0, max: 1000}",
            "`parameters.lr.max` is 1000: this distribution takes exponents of e, between -230 and 230;"
            " its `_values` sister takes the limits themselves.",
        ),
        (
            "{distribution: log_normal, mu: 200, sigma: 10}",
            "`parameters.lr.sigma` is 10: e to the power of |mu| + 9 sigma = 290 is beyond 1e+100.",
        ),
        (
            "{distribution: q_normal, q: 1.0e-200}",
            "`parameters.lr.q` is 1.0e-200: it must be above 0, by 1e-100 at least.",
        ),
        ("{distribution: normal, sigma: -1}", "`parameters.lr.sigma` is -1: it must not be below 0."),
        (
            "{distribution: q_uniform, min: 0, max: 1, q: 0}",
            "`parameters.lr.q` is 0: it must be above 0, by 1e-100 at least.",
        ),
        (
            "{distribution: q_uniform, min: 0, max: 1, q: 1.0e-30}",
            "`parameters.lr.q` is 1.0e-30: too small a step between 0 and 1.",
        ),
        (
            "{distribution: q_uniform, min: 1.0e+16, max: 1.1e+16, q: 0.5}",
            "`parameters.lr.q` is 0.5: too small a step between 1.0e+16 and 1.1e+16.",
        ),
    ],
)
def test_mistakes_in_a_parameter(spec: str, problem: str) -> None:
    assert of_parameter(spec) == [problem]


def test_a_typo_beside_the_right_key_hides_nothing_about_it() -> None:
    assert of_parameter("{min: low, mim: 0, max: 1.0}") == [
        "`parameters.lr.min` is the text 'low': a number is due.",
        "unknown key `parameters.lr.mim`. Did you mean `min`? Allowed here: distribution, min, max.",
    ]


def test_a_parameters_name_is_checked() -> None:
    assert mistakes('method: grid\nparameters: {"": {value: 1}, "a\\0": {value: 1}}') == [
        f"`parameters.{name}` is no name for a parameter: at least one character is due, each of which can be printed."
        for name in ("", "a\\x00")
    ]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            "{min: 0.0, max: 1.0}",
            "`parameters.lr` is drawn from uniform, which has no list of values for a grid:"
            " use `values`, whole `min` and `max`, q_uniform, or another `method`.",
        ),
        (
            "{parameters: {x: {distribution: normal}}}",
            "`parameters.lr.parameters.x` is drawn from normal, which has no list of values for a grid:"
            " use `values`, whole `min` and `max`, q_uniform, or another `method`.",
        ),
        (
            "{values: [1, 2], probabilities: [0.5, 0.5]}",
            "`parameters.lr` has `probabilities`: a grid takes every value once.",
        ),
    ],
)
def test_a_grid_takes_listed_values_only(spec: str, problem: str) -> None:
    assert of_parameter(spec, method="grid") == [problem]


def test_a_message_stays_on_one_line_whatever_the_keys() -> None:
    assert mistakes(f'method: grid\n{PARAMETERS}"a\\nb\\e": 1') == [
        f"unknown key `a\\nb\\x1b`. Allowed here: {TOP_LEVEL}.",
    ]


def test_more_than_a_hundred_mistakes_are_cut() -> None:
    text = f"method: grid\n{PARAMETERS}" + "".join(f"key{i:03}: 1\n" for i in range(150))

    problems = mistakes(text)

    assert len(problems) == 101
    assert problems[-1] == "and more."


def test_an_error_comes_whole_out_of_another_process() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        error = pool.submit(parse, "method: gird\nrun_cap: 0\n", "x.yaml").exception()

    assert isinstance(error, ConfigError)
    assert list(error.problems) == mistakes("method: gird\nrun_cap: 0\n", "x.yaml")
    assert len(error.problems) == len(str(error).splitlines()) > 1
