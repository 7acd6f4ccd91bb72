"""Random search whose draws are addressed, not streamed.

The draw for a parameter is a hash of the sweep's seed, the suggestion's index and the parameter's path, and of nothing
else. So suggestion i is the same whoever asks, in whatever order and after any restart; no generator has a state to
keep; and a parameter added to the sweep changes no other's values.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from search.schema import ParameterPath, SweepConfig


def values(config: SweepConfig, index: int, seed: int) -> list[Any]:
    """The values of suggestion `index`, in the order of `config.space`; random search never ends."""
    return [parameter.at(uniform(seed, index, path)) for path, parameter in config.space.items()]


def uniform(seed: int, index: int, path: ParameterPath) -> float:
    """A number in (0, 1): an odd multiple of 2**-53, each as likely, so neither end is ever met."""
    address = json.dumps([seed, index, *path]).encode()
    bits = int.from_bytes(hashlib.blake2b(address, digest_size=8).digest()) >> 12
    return (bits + 0.5) / 2**52
