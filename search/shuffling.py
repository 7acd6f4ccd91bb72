"""An order for a grid that looks random: the place of each index is computed, none is listed."""

from __future__ import annotations

import hashlib

_ROUNDS = 4


def shuffled(index: int, size: int, seed: int) -> int:
    """The index at place `index` of a shuffle of range(size) that `seed` decides; 0 <= index < size.

    A Feistel network permutes the numbers of twice `half_bits` bits, and those beyond the range are permuted on until
    they fall into it: less than four times on average.

    Source: Black and Rogaway 2002, Ciphers with arbitrary finite domains (cycle walking).
    """
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    index = _permuted(index, half_bits, seed)
    while index >= size:
        index = _permuted(index, half_bits, seed)
    return index


def _permuted(number: int, half_bits: int, seed: int) -> int:
    left, right = number >> half_bits, number & (1 << half_bits) - 1
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mixed(f"{seed} {turn} {right}", half_bits)
    return left << half_bits | right


def _mixed(text: str, bits: int) -> int:
    digest = hashlib.blake2b(text.encode()).digest()  # 512 bits; a half of a larger grid never comes up
    return int.from_bytes(digest) & (1 << bits) - 1
