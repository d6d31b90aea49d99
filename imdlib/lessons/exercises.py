"""Exercises of the student notebooks: an answer is compared with the library at inputs that the notebook does not show.

An answer is a number, a set, or a function. Of a function values are compared and, where the component is trained through, gradients;
an answer that is wrong in a known way is told what differs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Task:
    """What an answer is compared with.

    reference: what the library says, a function of the arguments of a case. cases() -> {what is special about the case: arguments};
    none for a plain value. hint: for who has no answer yet. mistakes: {what differs: an answer that has this mistake}. rtol: relative
    tolerance. gradients: arguments whose gradients are compared, too.
    """

    reference: Callable
    hint: str
    cases: Callable[[], dict[str, tuple]] | None = None
    mistakes: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-4
    gradients: tuple[int, ...] = ()


def check(answer: Any, task: Task) -> None:
    """Print what the answer to a task is worth. Never raises."""
    print(verdict(answer, task))


def verdict(answer: Any, task: Task) -> str:
    """'Right.', or what differs; never raises, for a student's code may fail in any way, and must be told how."""
    if answer is None:
        return f"Not answered yet. Hint: {task.hint}"
    cases = {"": ()} if task.cases is None else task.cases()
    if callable(answer) == (task.cases is None):
        asked = "a value is asked for" if task.cases is None else "a function is asked for"
        return f"Not yet: {asked}, found {answer!r}. Hint: {task.hint}"
    wanted = {name: outcome(task.reference, case, task) for name, case in cases.items()}
    found = {name: outcome(answer, case, task) for name, case in cases.items()}
    wrong = {name: differs(found[name], wanted[name], task) for name in cases}
    wrong = {name: text for name, text in wrong.items() if text}
    if not wrong:
        return "Right."
    for says, mistake in task.mistakes.items():
        same = (differs(found[name], outcome(mistake, case, task), task) for name, case in cases.items())
        if not any(same):
            return f"Not yet: {says}."
    name, text = next(iter(wrong.items()))
    return f"Not yet{f', case {name!r}' if name else ''}: {text}. Hint: {task.hint}"


def slips(answer: Callable, says: dict[str, str]) -> dict[str, Callable]:
    """`mistakes` of a Task from one function that makes them, by their names: answer(*arguments, wrong=name)."""
    return {text: partial(answer, wrong=name) for name, text in says.items()}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers for a case, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Outcome:
    """What an answer makes of a case: values, gradients by argument, or the error that it raised."""

    values: Any = None
    gradients: tuple = ()
    error: str = ""


def outcome(answer: Any, case: tuple, task: Task) -> Outcome:
    """`Outcome` of an answer, which gets copies of the arguments; a plain value stands for itself."""
    try:
        if not callable(answer):
            return Outcome(flat(answer))
        copies = [one.detach().clone() if isinstance(one, Tensor) else one for one in case]
        real = [copies[number].requires_grad_() for number in task.gradients]
        values = flat(answer(*copies))
        return Outcome([kept(value) for value in values], gradients_of(values, real) if real else ())
    except Exception as error:  # whatever a student's code may raise
        return Outcome(error=f"{type(error).__name__}: {error}")


def flat(value: Any) -> list:
    """The parts of an answer: of a tuple or list its elements, of a set its sorted elements, else the value itself."""
    if isinstance(value, set | frozenset):
        return [sorted(map(str, value))]
    if isinstance(value, tuple | list) and not all(isinstance(one, str | list) for one in value):
        return list(value)
    return [value]


def kept(value: Any) -> Any:
    """A value without its graph."""
    return value.detach() if isinstance(value, Tensor) else value


def gradients_of(values: list, inputs: list[Tensor]) -> tuple:
    """Gradients (zero where there is none) of a sum of the values in which no two numbers weigh the same."""
    total = torch.zeros((), dtype=torch.float64)
    for value in values:
        if isinstance(value, Tensor) and value.requires_grad:
            weigh = 1 + torch.linspace(0, 1, value.numel(), dtype=torch.float64).view(value.shape)
            total = total + (value.double() * weigh).nan_to_num().sum()
    if not total.requires_grad:
        return tuple(torch.zeros_like(one) for one in inputs)
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return tuple(torch.zeros_like(one) if grad is None else grad for one, grad in zip(inputs, found))


def differs(found: Outcome, wanted: Outcome, task: Task) -> str:
    """What differs between two outcomes, in words; empty where nothing does."""
    if found.error or wanted.error:
        return f"it raised {found.error or 'nothing'}"
    if len(found.values) != len(wanted.values):
        return f"{len(wanted.values)} results are asked for, found {len(found.values)}"
    for one, other in zip(found.values, wanted.values):
        text = unlike(one, other, task.rtol)
        if text:
            return text
    for number, (one, other) in enumerate(zip(found.gradients, wanted.gradients)):
        if unlike(one, other, 10 * task.rtol):
            return f"the values are right, the gradient of argument {task.gradients[number] + 1} is not (is something detached?)"
    return ""


def unlike(found: Any, wanted: Any, rtol: float) -> str:
    """How two values differ, in words; empty where they do not. Numbers are compared as float64, NaN equals NaN."""
    numbers = (int, float, np.number, Tensor)
    if not isinstance(wanted, numbers) or not isinstance(found, numbers):
        return "" if type(found) is type(wanted) and found == wanted else f"found {found!r}, which is something else"
    one, other = (torch.as_tensor(value).double() for value in (found, wanted))
    if one.shape != other.shape:
        return f"the shape {tuple(other.shape)} is asked for, found {tuple(one.shape)}"
    near = torch.isclose(one, other, rtol=rtol, atol=1e-6, equal_nan=True)
    if near.all():
        return ""
    at = tuple((~near).nonzero()[0].tolist())
    return f"{other[at].item():.4g} is right{f' at {list(at)}' if at else ''}, found {one[at].item():.4g}"
