"""Mutations: what disks, copies, editors and power cuts do to a file, drawn from a seed."""

import numpy as np


def flip(text, rng):
    """One bit is another one."""
    at = rng.integers(len(text))
    return text[:at] + bytes([text[at] ^ (1 << int(rng.integers(8)))]) + text[at + 1 :]


def bytes_lost(text, rng):
    """A stretch of bytes is missing."""
    start, end = stretch(text, rng)
    return text[:start] + text[end:]


def zeros(text, rng):
    """A stretch is zero, as after a power cut."""
    start, end = stretch(text, rng)
    return text[:start] + bytes(end - start) + text[end:]


def noise(text, rng):
    """A stretch is random bytes."""
    start, end = stretch(text, rng)
    return text[:start] + rng.bytes(end - start) + text[end:]


def swapped(text, rng):
    """Two halves of a stretch changed places."""
    start, end = stretch(text, rng)
    middle = (start + end) // 2
    return text[:start] + text[middle:end] + text[start:middle] + text[end:]


def cut(text, rng):
    """The end is missing."""
    return text[: rng.integers(len(text))]


def empty(text, rng):
    """Nothing is left."""
    return b""


def tail(text, rng):
    """Something was written behind the end."""
    return text + rng.bytes(int(rng.integers(1, 64)))


def digit(text, rng):
    """One digit is another one, as a hand that slipped leaves it."""
    places = [at for at, byte in enumerate(text) if 48 <= byte < 58]
    if not places:
        return flip(text, rng)
    at = places[rng.integers(len(places))]
    return text[:at] + bytes([48 + (text[at] - 48 + int(rng.integers(1, 10))) % 10]) + text[at + 1 :]


def line_lost(text, rng):
    """A line is missing."""
    lines = text.splitlines(keepends=True)
    del lines[rng.integers(len(lines))]
    return b"".join(lines)


def line_twice(text, rng):
    """A line is there twice."""
    lines = text.splitlines(keepends=True)
    at = rng.integers(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


def stretch(text, rng):
    """(start, end) of up to 64 bytes."""
    start = int(rng.integers(len(text)))
    return start, min(len(text), start + int(rng.integers(1, 65)))


ANY = (flip, flip, bytes_lost, zeros, noise, swapped, cut, empty, tail)
TEXT = (*ANY, digit, digit, digit, line_lost, line_twice)


def mutated(text, seed, written=False):
    """Other bytes than `text`; written: it is a text that people edit."""
    rng = np.random.default_rng(seed)
    found = text
    while found == text:
        work = (TEXT if written else ANY)[rng.integers(len(TEXT if written else ANY))]
        found = work(text, rng)
    return found, work.__name__
