"""exp, log, powers, sines and turns that give the same bits on every processor: nothing but + - * / and rounding.

IEEE 754 fixes the result of these operations to the last bit. The library functions of the same names are only nearly
right, and how they err depends on the processor: NumPy and the C library choose an implementation by the instruction set,
and matrix products sum in an order of their own. Float64 in and out, arrays or scalars; relative error below 1e-14.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

LN2 = (0.6931471804855391, 7.440617110012397e-11)  # high part, of which any small multiple is exact, and the rest
QUARTER = (1.5707963267341256, 6.077100506506192e-11)  # pi / 2, likewise
HALF_ROOT = 0.7071067811865476


def series(x: float | np.ndarray, divisors: Sequence[int]) -> float | np.ndarray:
    """1 + x/d1 * (1 + x/d2 * (1 + ...)), the innermost first."""
    total = 1.0
    for divisor in reversed(divisors):
        total = 1.0 + total * x / divisor
    return total


def exp(x: float | np.ndarray) -> float | np.ndarray:
    """e ** x, for |x| < 700."""
    x = np.asarray(x, np.float64)[()]
    twos = np.rint(x / (LN2[0] + LN2[1]))
    rest = (x - twos * LN2[0]) - twos * LN2[1]  # within half of ln 2
    return np.ldexp(series(rest, range(1, 15)), twos.astype(np.int32))


def log(x: float | np.ndarray) -> float | np.ndarray:
    """Natural logarithm of x > 0."""
    fraction, twos = np.frexp(np.asarray(x, np.float64)[()])
    low = fraction < HALF_ROOT
    fraction, twos = np.where(low, 2 * fraction, fraction), twos - low
    s = (fraction - 1) / (fraction + 1)  # log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| < 0.172
    square, total = s * s, 0.0
    for odd in range(23, 1, -2):
        total = (total + 1 / odd) * square
    return twos * LN2[0] + (twos * LN2[1] + 2 * s * (1 + total))


def power(x: float | np.ndarray, exponent: float) -> float | np.ndarray:
    """x ** exponent for x >= 0 and an exponent > 0."""
    x = np.asarray(x, np.float64)
    return np.where(x > 0, exp(exponent * log(np.where(x > 0, x, 1.0))), 0.0)[()]


def turned(x: float | np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Cosine and sine of the angle x, in radians, |x| < 1000."""
    x = np.asarray(x, np.float64)[()]
    quarters = np.rint(x / (QUARTER[0] + QUARTER[1]))
    rest = (x - quarters * QUARTER[0]) - quarters * QUARTER[1]  # within pi / 4
    square = -rest * rest
    even = series(square, [k * (k - 1) for k in range(2, 20, 2)])
    odd = rest * series(square, [k * (k + 1) for k in range(2, 20, 2)])
    place = quarters.astype(np.int64) % 4
    cosine = np.where(place % 2 == 0, even, odd) * np.where((place == 1) | (place == 2), -1, 1)
    sine = np.where(place % 2 == 0, odd, even) * np.where(place >= 2, -1, 1)
    return cosine[()], sine[()]


@lru_cache(maxsize=16)
def rotation(angle: float) -> np.ndarray:
    """Matrix (2,2) that turns a column (x, y) by `angle` radians."""
    cosine, sine = turned(angle)
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    matrix.flags.writeable = False  # kept
    return matrix


def times(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Rows (N,2) times a matrix (2,2), as `points @ matrix`."""
    return points[:, :1] * matrix[0] + points[:, 1:] * matrix[1]
