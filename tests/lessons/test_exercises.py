"""Exercises: every printed solution passes, every plausible wrong answer fails and is told why."""

import importlib

import pytest
import torch

from imdlib.lessons.exercises import Task, check, verdict
from imdlib.places import REPO
from tests.lessons.printed import answer_of, exercises

BOOKS = sorted(
    path.relative_to(REPO / "notebooks").with_suffix("").as_posix()
    for path in REPO.glob("notebooks/*/[1-9]_*.ipynb")
    if "tasks.py"
    in "".join(one.name[-8:] for one in (REPO / "imdlib/lessons" / path.parent.name).glob(f"{path.stem[2:]}_tasks.py"))
)
ALL = [(book, name) for book in BOOKS for name in exercises(book)]


def tasks_of(book):
    study, name = book.split("/")
    return importlib.import_module(f"imdlib.lessons.{study}.{name[2:]}_tasks")


@pytest.mark.parametrize("book", BOOKS)
def test_a_notebook_asks_all_of_its_tasks_and_knows_twenty_wrong_answers(book):
    tasks = tasks_of(book)
    asked = [getattr(tasks, name) for name in exercises(book)]
    assert list(tasks.TASKS) == asked
    assert sum(len(task.mistakes) for task in asked) >= 20


@pytest.mark.parametrize("book, name", ALL)
def test_the_printed_solution_is_right(book, name):
    task = getattr(tasks_of(book), name)
    assert verdict(answer_of(exercises(book)[name]), task) == "Right."


@pytest.mark.parametrize("book, name", ALL)
def test_every_wrong_answer_is_told_what_differs(book, name):
    task = getattr(tasks_of(book), name)
    for says, wrong in task.mistakes.items():
        assert verdict(wrong, task) == f"Not yet: {says}."


@pytest.mark.parametrize("book, name", ALL)
def test_a_constant_an_empty_function_and_one_that_fails_are_not_right(book, name):
    task = getattr(tasks_of(book), name)
    for wrong in (12345.0, lambda *x: None, lambda *x: x, lambda *x: 0.0, lambda *x: 1 / 0):
        assert verdict(wrong, task).startswith("Not yet")
    assert verdict(None, task) == f"Not answered yet. Hint: {task.hint}"


def test_there_are_28_components():
    written = [name for book, name in ALL if "def answer" in exercises(book)[name]]
    assert len(written) >= 28


SQUARES = Task(lambda x: x.square(), "square it", lambda: {"three": (torch.arange(3.0) + 1,)}, gradients=(0,))


@pytest.mark.parametrize("answer, says", [
    (lambda x: x.detach() ** 2, "Not yet, case 'three': the values are right, the gradient of argument 1 is not"),
    (lambda x: x**3, "Not yet, case 'three': 4 is right at [1], found 8. Hint: square it"),
    (lambda x: x[:2] ** 2, "Not yet, case 'three': the shape (3,) is asked for, found (2,). Hint: square it"),
    (lambda x: (x, x), "Not yet, case 'three': 1 results are asked for, found 2. Hint: square it"),
    (lambda x, y: x, "Not yet, case 'three': it raised TypeError"),
    (3, "Not yet: a function is asked for, found 3"),
])  # fmt: skip
def test_what_is_wrong_is_said(answer, says, capsys):
    check(answer, SQUARES)
    assert capsys.readouterr().out.startswith(says)


def test_an_answer_cannot_change_what_it_is_compared_with():
    def greedy(x):
        x.data.zero_()
        return x

    assert verdict(greedy, SQUARES).startswith("Not yet") and verdict(lambda x: x * x, SQUARES) == "Right."
