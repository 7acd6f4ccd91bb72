import pickle
import subprocess
import sys
from typing import Literal

import pytest
from pydantic import Field

from app.config import TrialConfig
from app.values import ConfigError, Values, parse_flags


def problems(values: dict[str, object], of: type[Values] = TrialConfig) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        of.checked(values)
    return caught.value.problems


def test_the_defaults_are_the_tutorials() -> None:
    assert TrialConfig.checked({}).model_dump() == {
        "layer1_size": 128,
        "layer1_activation": "relu",
        "dropout_rate": 0.2,
        "optimizer": "adam",
        "learning_rate": 0.01,
        "epochs": 5,
        "batch_size": 32,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"optimizer": "adamm"}, "`optimizer` is 'adamm'. Did you mean `adam`? Allowed: adam, rmsprop."),
        ({"optimizer": None}, "`optimizer` is None. Allowed: adam, rmsprop."),
        ({"dropout_rate": 1.5}, "`dropout_rate` is 1.5. Allowed: a number, 0 <= dropout_rate < 1."),
        ({"dropout_rate": float("nan")}, "`dropout_rate` is nan. Allowed: a number, 0 <= dropout_rate < 1."),
        ({"learning_rate": 0}, "`learning_rate` is 0. Allowed: a number, 0 < learning_rate <= 10."),
        ({"learning_rate": "fast"}, "`learning_rate` is 'fast'. Allowed: a number, 0 < learning_rate <= 10."),
        ({"epochs": 2.5}, "`epochs` is 2.5. Allowed: a whole number, 1 <= epochs <= 10000."),
        ({"epochs": True}, "`epochs` is True. Allowed: a whole number, 1 <= epochs <= 10000."),
        ({"seed": {"value": 1}}, "`seed` is {'value': 1}. Allowed: a whole number, 0 <= seed < 2147483648."),
    ],
)
def test_a_wrong_value_is_one_line_with_what_is_allowed(values: dict[str, object], line: str) -> None:
    assert problems(values) == (line,)


def test_an_unknown_key_names_the_nearest_and_all_allowed_ones() -> None:
    (line,) = problems({"layr1_size": 64})

    assert line.startswith("unknown key `layr1_size`. Did you mean `layer1_size`? Allowed: layer1_size, ")
    assert all(name in line for name in TrialConfig.model_fields)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"epochs": 0, "optimizer": "sgd", "layers": 3})) == 3


def test_an_error_comes_whole_out_of_another_process() -> None:
    with pytest.raises(ConfigError) as caught:
        TrialConfig.checked({"epochs": 0, "optimizer": "sgd"})

    again = pickle.loads(pickle.dumps(caught.value))

    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


def test_numbers_written_as_text_or_with_a_point_count_as_numbers() -> None:
    config = TrialConfig.checked({"learning_rate": "1e-4", "layer1_size": 96.0})

    assert (config.learning_rate, config.layer1_size) == (0.0001, 96)


def test_flags_are_read_with_and_without_an_equals_sign() -> None:
    flags = ["--layer1_size", "64", "--learning_rate=1e-3", "--optimizer=rmsprop", "--seed", "-1", "--deep"]

    assert parse_flags(flags) == {
        "layer1_size": 64,
        "learning_rate": 0.001,
        "optimizer": "rmsprop",
        "seed": -1,
        "deep": True,
    }


def test_what_is_no_flag_is_refused() -> None:
    with pytest.raises(ConfigError, match="`64` is not a flag"):
        parse_flags(["64"])


class OwnConfig(Values):
    depth: Literal[1, 2, 4] = 2
    augment: bool = False
    name: str
    width: int | None = Field(default=None, ge=8)


def test_a_users_own_fields_follow_the_same_rules() -> None:
    assert problems({"depth": 3, "augment": "perhaps", "width": 4}, OwnConfig) == (
        "`depth` is 3. Allowed: 1, 2, 4.",
        "`augment` is 'perhaps'. Allowed: true or false.",
        "`name` is missing. Allowed: text.",
        "`width` is 4: Input should be greater than or equal to 8.",
    )
    assert OwnConfig.checked(parse_flags(["--augment", "--name=7"])).augment


def test_help_shows_every_flag_with_its_default() -> None:
    lines = TrialConfig.help().splitlines()

    assert [line.split()[0] for line in lines] == [f"--{name}" for name in TrialConfig.model_fields]
    assert "adam, rmsprop (default adam)" in TrialConfig.help()


def test_the_settings_need_no_tensorflow() -> None:
    program = "import sys, app.config, app.train; sys.exit('tensorflow' in sys.modules or 'wandb' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
