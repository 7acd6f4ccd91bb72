"""The sweep file's own section, `x-sweep`: what W&B has no key for."""

import pytest

from search.config import ConfigError, parse

PLAIN = "method: grid\nparameters: {x: {values: [1]}}\n"


def test_the_extension_has_defaults_and_takes_its_keys() -> None:
    plain = parse("method: grid\nparameters: {x: {values: [1]}}").extension
    given = parse(
        "method: grid\nparameters: {x: {values: [1]}}\n"
        "x-sweep: {seed: 7, shuffle: true, retries: 0, stop_after_failures: 0}"
    ).extension

    assert (plain.seed, plain.shuffle, plain.retries, plain.stop_after_failures) == (None, False, 2, 3)
    assert (given.seed, given.shuffle, given.retries, given.stop_after_failures) == (7, True, 0, 0)


def test_the_extension_is_checked_like_the_rest() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{PLAIN}x-sweep: {{shufle: true, retries: -1, seed: a, stop_after_failures: 1.5}}\nx_sweep: {{}}")

    assert list(caught.value.problems[:4]) == [
        "unknown key `x-sweep.shufle`. Did you mean `shuffle`?"
        " Allowed here: seed, shuffle, retries, stop_after_failures.",
        "`x-sweep.retries` is -1: a whole number from 0 to 2**53 is due.",
        "`x-sweep.seed` is 'a': a whole number between -2**53 and 2**53 is due.",
        "`x-sweep.stop_after_failures` is 1.5: a whole number from 0 to 2**53 is due.",
    ]
    assert caught.value.problems[4].startswith("unknown key `x_sweep`. Did you mean `x-sweep`?")
