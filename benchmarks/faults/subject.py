"""A subject: a kind of files that results rest on, and what the library reads from one and knows it by."""

from collections.abc import Callable
from dataclasses import dataclass

from imdlib.freshness import contents


class Refused(ValueError):
    """What the library says without an exception: a problem in a list, the state of a run."""


@dataclass
class Subject:
    """kind: in the table; files: that are changed; written: a text that people edit.

    look(file) returns (contents, identity) of one file as the library reads it, or raises what the library raises. Where the
    identity is another one, every result of it is outdated: `make study` says so and makes it anew.
    """

    kind: str
    files: list
    look: Callable
    written: bool = False


def joined(state):
    """Weights as text."""
    return "".join(
        f"{name} {contents.hashlib.sha256(value.numpy().tobytes()).hexdigest()}" for name, value in state.items()
    )
