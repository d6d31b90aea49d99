"""Exercises: every printed solution passes, every plausible wrong answer fails and is told why."""

import importlib
import re

import pytest
import torch

from imdlib.freshness import sources
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


# ---- what the notebooks say of their cases


@pytest.mark.parametrize("book, name", [("inr/2_matching_and_clusters", "TWO_MEANS"), ("inr/4_pooling", "OTSU")])
def test_no_case_has_two_best_splits(book, name):
    for (x,) in getattr(tasks_of(book), name).cases().values():
        cuts = x.unique()[:-1]
        within = [sum(((one - one.mean()) ** 2).sum() for one in (x[x <= cut], x[x > cut])) for cut in cuts]
        best = sorted(map(float, within))[:2]
        assert len(best) < 2 or best[1] > best[0] + 1e-6


def test_no_case_of_the_neighbours_has_two_equal_distances():
    for features, _, _ in tasks_of("bridge/5_reading_tsne").KNN.cases().values():
        apart = torch.pdist(features).sort().values
        assert (apart[1:] > apart[:-1]).all()


def test_no_case_has_a_vector_of_length_0_or_a_score_of_0_or_1():
    contrast, selective = tasks_of("ncl/3_the_contrast"), tasks_of("inr/3_selective_contrast")
    for task in (contrast.PAIRWISE, contrast.PIVOT_TERM, selective.LITERAL, selective.STANDARD):
        for case in task.cases().values():
            vectors = [one for one in case if torch.is_tensor(one) and one.is_floating_point()]
            assert all((one.norm(dim=-1) > 0.01).all() for one in vectors)
    for feat, _, plus, minus, _, _ in contrast.CONTRAST.cases().values():
        assert all((one.norm(dim=1) > 0.01).all() for one in (feat, plus, minus))
    for prob, _, _ in tasks_of("inr/4_pooling").WEAK_LOSS.cases().values():
        assert prob.min() > 0 and prob.max() < 1
    for _, _, *scores, _, _ in tasks_of("inr/5_self_distillation").SELF_DISTILLATION.cases().values():
        assert all(one.min() > 0 and one.max() < 1 for one in scores)


@pytest.mark.parametrize("book", BOOKS)
def test_exercises_are_numbered_without_a_gap(book):
    text = "\n\n".join(sources.source(cell) for cell in sources.cells(book) if cell["cell_type"] == "markdown")
    exercises_of = text[text.index("## Exercises") :]
    numbers = [int(one) for one in re.findall(r"^\*\*(\d)\.", exercises_of, flags=re.M)]
    assert numbers == list(range(1, len(exercises(book)) + 1))
