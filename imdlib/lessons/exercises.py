"""Exercises of the student notebooks: an answer is checked by running the library on it."""

from collections.abc import Callable
from typing import Any


def check(answer: Any, right: Callable[[Any], bool], hint: str) -> None:
    """Print what the answer to an exercise is worth; right(answer) -> bool runs the library on it. Never raises."""
    if answer is None:
        print(f"Not answered yet. Hint: {hint}")
        return
    try:
        print("Right." if right(answer) else f"Not yet. Hint: {hint}")
    except Exception as error:  # a student's code may fail in any way, and must be told how
        print(f"The check could not use your answer ({type(error).__name__}: {error}). Hint: {hint}")
