"""Exercises of the student notebooks: an answer is compared with the library at inputs that the notebook does not show.

An answer is a number, a set, or a function. Of a function values are compared and, where the component is trained through, gradients;
an answer that is wrong in a known way is told what differs. Where a number or a set is asked for, what is wanted is never printed: there
is no second input at which it could be tried.
"""

import math
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
    tolerance. gradients: arguments whose gradients are compared, too. names: what a set may hold, where one is asked for.
    """

    reference: Callable
    hint: str
    cases: Callable[[], dict[str, tuple]] | None = None
    mistakes: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-4
    gradients: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def check(answer: Any, task: Task) -> None:
    """Print what the answer to a task is worth. Never raises."""
    print(verdict(answer, task))


def verdict(answer: Any, task: Task) -> str:
    """'Right.', or what differs; never raises, for a student's code may fail in any way, and must be told how."""
    if answer is None:
        return f"Not answered yet. Hint: {task.hint}"
    cases = {"": ()} if task.cases is None else task.cases()
    wanted = {name: outcome(task.reference, case, task) for name, case in cases.items()}
    if callable(answer) == (task.cases is None):
        asks = asked(wanted[""].values) if task.cases is None else "a function is asked for"
        return f"Not yet: {asks}, found {called(answer)}. Hint: {task.hint}"
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
    """What an answer makes of a case: values, gradients by argument, what the values came as (in words), or the error that it raised."""

    values: Any = None
    gradients: tuple = ()
    came: str = ""
    error: str = ""


def outcome(answer: Any, case: tuple, task: Task) -> Outcome:
    """`Outcome` of an answer, which gets copies of the arguments; a plain value stands for itself."""
    try:
        if not callable(answer):
            return Outcome(flat(answer), came=called(answer))
        copies = [one.detach().clone() if isinstance(one, Tensor) else one for one in case]
        real = [copies[number].requires_grad_() for number in task.gradients]
        given = answer(*copies)
        values = flat(given)
        return Outcome([kept(value) for value in values], gradients_of(values, real) if real else (), called(given))
    except Exception as error:  # whatever a student's code may raise
        return Outcome(error=f"{type(error).__name__}: {error}")


def flat(value: Any) -> list:
    """The parts of an answer: of a tuple or list its elements, of a set one frozenset of its names, else the value itself.

    A list of names, and a list of lists of names, is one value; tuples of names count as lists.
    """
    if isinstance(value, set | frozenset):
        return [frozenset(map(str, value))]
    if isinstance(value, tuple | list) and not all(isinstance(one, str | list) or names_only(one) for one in value):
        return list(value)
    return [value]


def names_only(value: Any) -> bool:
    """Whether a value is a list or a tuple of names and of nothing else."""
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


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
        return f"{asked(wanted.values)}, found {found.came}"
    for number, (one, other) in enumerate(zip(found.values, wanted.values), 1):
        text = unlike(one, other, task)
        if text:
            return f"result {number}: {text}" if len(wanted.values) > 1 else text
    for number, (one, other) in enumerate(zip(found.gradients, wanted.gradients)):
        if numbers_differ(one, other, 10 * task.rtol):
            return f"the values are right, the gradient of argument {task.gradients[number] + 1} is not (is something detached?)"
    return ""


def asked(values: list) -> str:
    """What is asked for, in words, from the values that are wanted: '2 results are asked for, as a tuple (a, b)'."""
    if len(values) > 1:
        return f"{len(values)} results are asked for, as a tuple ({', '.join('abcdefgh'[: len(values)])})"
    if isinstance(values[0], frozenset):
        return "a set of names is asked for, written with braces"
    if isinstance(values[0], list):
        return "a list of lists is asked for"
    shape = tuple(values[0].shape) if isinstance(values[0], Tensor) else ()
    return f"{'a torch tensor' if shape else 'a number or a torch tensor'} of shape {shape} is asked for"


def called(value: Any) -> str:
    """What a value is, in words and short: 'a NumPy array of shape (3,)', 'a list of 2', 'a list of tuples', '3'."""
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, int | float | np.number):
        return repr(value)
    if isinstance(value, Tensor | np.ndarray):
        return f"a {'torch tensor' if isinstance(value, Tensor) else 'NumPy array'} of shape {tuple(value.shape)}"
    name = "set" if isinstance(value, frozenset) else "function" if callable(value) else type(value).__name__
    kinds = {type(one) for one in value} if isinstance(value, tuple | list) else set()
    if kinds in ({list}, {tuple}):
        return f"a {name} of {kinds.pop().__name__}s"
    size = f" of {len(value)}" if isinstance(value, tuple | list | set | frozenset) else ""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}{size}"


def unlike(found: Any, wanted: Any, task: Task) -> str:
    """How a value differs from what is wanted, in words; empty where it does not."""
    if isinstance(wanted, frozenset):
        return names_differ(found, wanted, task.names)
    if isinstance(wanted, list):
        return lists_differ(found, wanted)
    secret = task.cases is None
    if not isinstance(found, int | float | np.number | Tensor) or (secret and isinstance(found, bool)):
        return f"{asked([wanted])}, found {called(found)}"
    return numbers_differ(found, wanted, task.rtol, secret=secret)


def names_differ(found: Any, wanted: frozenset, names: tuple[str, ...]) -> str:
    """How a set of names, or a list of them, differs from what is wanted, without a word of which those are; empty where it does not."""
    found = frozenset(found) if names_only(found) else found
    if not isinstance(found, frozenset):
        return f"{asked([wanted])}, found {called(found)}"
    if found == wanted:
        return ""
    strange = sorted(found - set(names)) if names else []
    return f"{strange[0]!r} is none of the names {', '.join(names)}" if strange else "these are not the names"


def lists_differ(found: Any, wanted: list) -> str:
    """How a list of lists (or of tuples of names) differs from the one that is wanted; empty where it does not."""
    if not isinstance(found, list | tuple) or not all(isinstance(one, list) or names_only(one) for one in found):
        return f"{asked([wanted])}, found {called(found)}"
    found = [list(one) for one in found]
    if len(found) != len(wanted):
        return f"a list of {len(wanted)} is asked for, found a list of {len(found)}"
    return next((f"{b} is right at [{n}], found {a}" for n, (a, b) in enumerate(zip(found, wanted)) if a != b), "")


def numbers_differ(found: Any, wanted: Any, rtol: float, *, secret: bool = False) -> str:
    """How numbers or tensors differ, compared as float64, NaN equal to NaN; secret: without what is right. Empty where they do not."""
    one, other = (torch.as_tensor(value).double() for value in (found, wanted))
    if one.shape != other.shape:
        return f"the shape {tuple(other.shape)} is asked for, found {tuple(one.shape)}"
    near = torch.isclose(one, other, rtol=rtol, atol=1e-6, equal_nan=True)
    if near.all():
        return ""
    at = tuple((~near).nonzero()[0].tolist())
    came, right = one[at].item(), other[at].item()
    if secret:
        side = "" if math.isnan(came) else f", the right number is {'higher' if right > came else 'lower'}"
        return f"{came:.6g} is not right{side}"
    said = f"{right:.6g}" if rtol < 0.05 else f"about {right:.2g}"
    return f"{said} is right{f' at {list(at)}' if at else ''}, found {came:.6g}"
