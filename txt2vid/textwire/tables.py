"""Logarithms and powers of two as whole numbers, made of whole numbers only: no machine rounds them otherwise."""

from __future__ import annotations

from math import isqrt

import numpy as np

from txt2vid.textwire.letters import SHARE_BITS, Numbers

UNIT_BITS = 12
UNIT = 1 << UNIT_BITS  # of a logarithm
CLIFF = 16 * UNIT  # below the likeliest symbol's logarithm, where nothing is told apart any more
COARSE = 4  # bits of a share that its logarithm passes over
_FINE = 30  # bits behind the point while calculating


def logarithms() -> Numbers:
    """Of share >> COARSE, for shares up to twice the whole: log2(share / SHARE) in UNIT, rounded down."""
    index = np.maximum(np.arange(2 << (SHARE_BITS - COARSE), dtype=np.int64), 1)
    exponent = np.zeros_like(index)
    for bits in range(1, SHARE_BITS + 1):
        exponent += index >= 1 << bits
    rest = index << (_FINE - exponent)  # 1 to 2
    result = exponent - (SHARE_BITS - COARSE)
    for _ in range(UNIT_BITS):  # the square of a number has twice its logarithm: bit after bit
        rest = rest * rest >> _FINE
        large = rest >> (_FINE + 1)
        rest >>= large
        result = 2 * result + large
    return result


def powers() -> Numbers:
    """Of a logarithm's distance below 0, up to CLIFF: 2 ** -(distance / UNIT) of a SHARE, and at least 1."""
    roots = [1 << 2 * _FINE - 1]
    for _ in range(UNIT_BITS):
        roots.append(isqrt(roots[-1]) << _FINE)  # 2 ** -1/2, 2 ** -1/4 and so on
    fractions = []
    for distance in range(UNIT):
        value = 1 << 2 * _FINE
        for bit in range(UNIT_BITS):
            if distance >> bit & 1:
                value = value * roots[UNIT_BITS - bit] >> 2 * _FINE
        fractions.append(value >> 2 * _FINE - SHARE_BITS)
    whole = np.array(fractions, np.int64)
    found: Numbers = np.concatenate([whole >> octave for octave in range(CLIFF // UNIT)]) + 1
    return found
