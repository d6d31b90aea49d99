"""Exercises: every printed solution passes, every plausible wrong answer fails and is told why."""

import importlib
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

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
    (lambda x: (x, x), "Not yet, case 'three': a torch tensor of shape (3,) is asked for, found a tuple of 2. Hint: square it"),
    (lambda x: x.square().tolist(), "Not yet, case 'three': a torch tensor of shape (3,) is asked for, found a list of 3. Hint"),
    (lambda x: x.detach().numpy() ** 2, "Not yet, case 'three': a torch tensor of shape (3,) is asked for, found a NumPy array of"),
    (lambda x: print, "Not yet, case 'three': a torch tensor of shape (3,) is asked for, found a function"),
    (lambda x: None, "Not yet, case 'three': a torch tensor of shape (3,) is asked for, found None (is a return missing?). Hint"),
    (lambda x, y: x, "Not yet, case 'three': it raised TypeError"),
    (3, "Not yet: a function is asked for, found 3"),
    (np.arange(3), "Not yet: a function is asked for, found a NumPy array of shape (3,). Hint"),
])  # fmt: skip
def test_what_is_wrong_is_said(answer, says, capsys):
    check(answer, SQUARES)
    assert capsys.readouterr().out.startswith(says)


PAIR = Task(lambda m: (m, m + 1), "m and the next", lambda: {"four": (4.0,)})


@pytest.mark.parametrize("answer, says", [
    (lambda m: torch.tensor([m, m + 1]), "2 results are asked for, as a tuple (a, b), found a torch tensor of shape (2,)"),
    (lambda m: np.array([m, m + 1]), "2 results are asked for, as a tuple (a, b), found a NumPy array of shape (2,)"),
    (lambda m: (m, m + 1, m + 2), "2 results are asked for, as a tuple (a, b), found a tuple of 3"),
    (lambda m: (m, m), "result 2: 5 is right, found 4"),
    (lambda m: (m, "5"), "result 2: a number or a torch tensor of shape () is asked for, found a str"),
])  # fmt: skip
def test_a_pair_is_asked_for_as_a_tuple(answer, says):
    assert verdict(answer, PAIR) == f"Not yet, case 'four': {says}. Hint: m and the next"
    assert verdict(lambda m: [m, m + 1], PAIR) == "Right."


PLAIN = [(book, name) for book, name in ALL if getattr(tasks_of(book), name).cases is None]
NUMBER = Task(lambda: 24, "count", mistakes={"that is half": 12})
NAMES = Task(lambda: {"ann", "bob"}, "who?", names=("ann", "bob", "cid"))


@pytest.mark.parametrize("answer, says", [
    (23, "23 is not right, the right number is higher"),
    (24.5, "24.5 is not right, the right number is lower"),
    (float("nan"), "nan is not right"),
    (12, "that is half"),
    (True, "a number or a torch tensor of shape () is asked for, found True"),
    ("24", "a number or a torch tensor of shape () is asked for, found a str"),
    (np.array(24), "a number or a torch tensor of shape () is asked for, found a NumPy array of shape ()"),
    ([24, 24], "a number or a torch tensor of shape () is asked for, found a list of 2"),
    (torch.tensor([24]), "the shape () is asked for, found (1,)"),
    (lambda: 24, "a number or a torch tensor of shape () is asked for, found a function"),
])  # fmt: skip
def test_a_wrong_number_does_not_buy_the_right_one(answer, says):
    assert verdict(answer, NUMBER) == f"Not yet: {says}." + ("" if says == "that is half" else " Hint: count")
    assert all(verdict(right, NUMBER) == "Right." for right in (24, 24.0, np.int64(24), torch.tensor(24)))


@pytest.mark.parametrize("answer, says", [
    ({"ann"}, "these are not the names"),
    ({"ann", "bobb"}, "'bobb' is none of the names ann, bob, cid"),
    (["ann", "cid"], "these are not the names"),
    (("ann", "bobb"), "'bobb' is none of the names ann, bob, cid"),
    (["ann", 2], "a set of names is asked for, written with braces, found "),
    ("ann", "a set of names is asked for, written with braces, found a str"),
    ({"ann": 1}, "a set of names is asked for, written with braces, found a dict"),
    (print, "a set of names is asked for, written with braces, found a function"),
])  # fmt: skip
def test_of_a_wrong_set_the_braces_and_the_spelling_are_named(answer, says):
    assert verdict(answer, NAMES).startswith(f"Not yet: {says}")
    assert all(
        verdict(right, NAMES) == "Right." for right in (frozenset({"bob", "ann"}), ["ann", "bob"], ("bob", "ann"))
    )


LISTS = Task(lambda n: [["a", "b"]] * n, "n lists", lambda: {"two": (2,)})


@pytest.mark.parametrize("answer, says", [
    (lambda n: [("a", "b"), ("b",)], "['a', 'b'] is right at [1], found ['b']"),
    (lambda n: [(1, 2)] * n, "a list of lists is asked for, found a list of tuples"),
    (lambda n: ["a", "b"], "a list of lists is asked for, found a list of 2"),
    (lambda n: [], "a list of 2 is asked for, found a list of 0"),
    (lambda n: [["a", "b"], ["b"]], "['a', 'b'] is right at [1], found ['b']"),
])  # fmt: skip
def test_a_list_of_lists_is_asked_for(answer, says):
    assert verdict(answer, LISTS) == f"Not yet, case 'two': {says}. Hint: n lists"
    for right in (lambda n: [("a", "b")] * n, lambda n: (["a", "b"],) * n, lambda n: (("a", "b"),) * n):
        assert verdict(right, LISTS) == "Right."


@pytest.mark.parametrize("book, name", PLAIN)
def test_exercises_without_cases_print_nothing_of_the_answer(book, name):
    task = getattr(tasks_of(book), name)
    wanted = task.reference()
    for wrong in (-3.0, 1e6, True, np.array(1.0), "text", [1, 2], {"teacher"}, frozenset({"nobody", "teacher"})):
        says = verdict(wrong, task).removesuffix(f"Hint: {task.hint}")
        assert says.startswith("Not yet")
        if isinstance(wanted, set):
            assert all(one in says for one in task.names) or not any(one in says for one in wanted)
        else:
            assert f"{float(wanted):.3g}" not in re.findall(r"[\d.]*\d", says)


# ---- wrong answers that are no mistake of the list, or are in another form


def fourth(teacher, push, pull, margin):
    """Eq. 6 with the margin of the study in place of the argument."""
    far, near = ((teacher - one).square().sum(1) for one in (push, pull))
    return ((4.0 - far).relu() + near).sum() / max(len(teacher), 1)


def partly_fourth(teacher, student1, student2, label, margin):
    """Eq. 1 to 5 with the margin of the study in Eq. 4 alone."""
    d1, d2 = ((teacher - one).square().sum(1) for one in (student1, student2))
    real, partly, fully = (label == one for one in (0, 1, 2))
    terms = (d1[real], d2[real], (margin - d2[partly]).relu(), d1[partly], (4.0 - d1[fully]).relu(), d2[fully])
    return sum(one.mean() if len(one) else one.sum() for one in terms)


def square_cells(mask, grid):
    """Labels of patches whose cells are as wide as they are high."""
    k = mask.shape[1] // grid[1]
    share = F.avg_pool2d((mask == 1).float()[:, None], k)[:, 0]
    touched = F.max_pool2d((mask == 255).float()[:, None], k)[:, 0] > 0
    return torch.where(share == 1, 1, torch.where(share == 0, 0, 2)).masked_fill(touched, -1)


def swapped_grid(mask, grid):
    """Labels of patches on a grid with height and width exchanged."""
    right = answer_of(exercises("ncl/1_three_kinds_of_patches")["LABEL_PATCHES"])
    return right(mask, grid[::-1])


def one_kind_is_enough(feat, patches, plus, minus, valid, tau):
    """The printed solution of Eq. 7, which asks whether there are tampered patches, and not whether there are authentic ones."""
    code = exercises("ncl/3_the_contrast")["CONTRAST"]
    assert "if len(pos) and len(neg):" in code
    return answer_of(code.replace("if len(pos) and len(neg):", "if len(pos):"))(feat, patches, plus, minus, valid, tau)


def seen_in_the_mean(feat, patches, weight, scale, shift):
    """The printed pivot, valid where its mean is not 0."""
    se, _ = answer_of(exercises("ncl/2_the_pivot")["PIVOT"])(feat, patches, weight, scale, shift)
    return se, se.abs().sum(1) > 0


def lloyd(x):
    """Two-means by Lloyd's steps from the smallest and the largest number."""
    low, high = x.min(), x.max()
    for _ in range(50):
        near = (x - high).abs() < (x - low).abs()
        low, high = x[~near].mean(), x[near].mean()
    return near


def iterated(x):
    """The split in the middle between the means of its groups, by steps from the mean."""
    at = x.mean()
    for _ in range(50):
        at = (x[x > at].mean() + x[x <= at].mean()) / 2 if (x > at).any() else at
    return x > at


def widest(x):
    """The split at the largest gap between sorted values."""
    ordered = x.unique()
    return x > (ordered[(ordered[1:] - ordered[:-1]).argmax()] if len(ordered) > 1 else x.max())


def binned(x, ends=None, bins=256):
    """Otsu's split at the borders of bins between the ends, of the values where none are given."""
    best, above = float("inf"), x > x.max()
    for cut in np.linspace(*((float(x.min()), float(x.max())) if ends is None else ends), bins):
        low, high = x[x <= cut], x[x > cut]
        within = ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()
        if len(low) and len(high) and within < best:
            best, above = within, x > cut
    return above


def weak(above):
    """L_cls of weak supervision with a rule for the first score."""

    def answer(prob, selected, label):
        otsu = torch.stack([one[above(one.detach())].mean() for one in prob])
        cluster = torch.stack([one[few].mean() if few.any() else o for one, few, o in zip(prob, selected, otsu)])
        return sum(F.binary_cross_entropy(score, label.to(score.dtype)) for score in (otsu, cluster))

    return answer


def by_logarithms(label, chosen, shallow, p_otsu, p_clu, scl, beta):
    """Eq. 7 by logarithms, where a picture with one source makes NaN of everything."""
    total = 0
    for score in (*shallow, p_otsu, p_clu):
        entropy = -(label * score.log() + (1 - label) * (1 - score).log())
        total = total + (entropy * chosen).sum() / chosen.sum().clamp(min=1)
    which = chosen & (label == 1)
    return total + beta * (scl * which).sum() / which.sum().clamp(min=1)


STEPS = (
    "steps between the means of two groups end in a split that is not the best; for numbers every split can be tried"
)


@pytest.mark.parametrize("book, name, answer, says", [
    ("bridge/2_generalizers", "GENERALIZER", fourth, ": the margin is an argument and need not be 4"),
    ("bridge/1_discrepancy", "STUDENTS", partly_fourth, ", case 'another margin': "),
    ("ncl/1_three_kinds_of_patches", "LABEL_PATCHES", square_cells, ", case 'a picture that is wider than high': "),
    ("ncl/1_three_kinds_of_patches", "LABEL_PATCHES", swapped_grid, ", case 'a picture that is wider than high': the shape"),
    ("ncl/4_pivot_consistency", "CONTOUR_PIXELS",
     lambda p, s: F.adaptive_max_pool2d((p == 2).float()[:, None], s[::-1])[:, 0] > 0, ", case 'wider than high, four pixels a cell': "),
    ("ncl/3_the_contrast", "CONTRAST", one_kind_is_enough, ", case 'one picture without an authentic patch, "),
    ("ncl/2_the_pivot", "PIVOT", seen_in_the_mean, ": a picture is valid where it has contour"),
    ("inr/2_matching_and_clusters", "TWO_MEANS", lloyd, f": {STEPS}."),
    ("inr/2_matching_and_clusters", "TWO_MEANS", iterated, f": {STEPS}."),
    ("inr/4_pooling", "OTSU", widest, ": the widest gap between two values"),
    ("inr/4_pooling", "OTSU", iterated, ": the middle between the groups' means"),
    ("inr/4_pooling", "OTSU", binned, ", case 'many values': "),
    ("inr/4_pooling", "OTSU", lambda x: binned(x, (0, 1)), ", case 'many values': "),
    ("inr/4_pooling", "OTSU", lambda x: binned(x, (0, 1), 257), ", case 'many values': "),
    ("inr/4_pooling", "WEAK_LOSS", weak(widest), ": the widest gap between two values"),
    ("inr/4_pooling", "WEAK_LOSS", weak(iterated), ": the middle between the groups' means"),
    ("inr/5_self_distillation", "SELF_DISTILLATION", by_logarithms, ": a picture whose second deep score is NaN"),
    ("inr/1_reconstruction", "ERROR_MAP", lambda i, r: ((i - r) ** 2).mean(1, keepdim=True).detach(), ", case 'two images': the values"),
    ("bridge/2_generalizers", "CHANGED", ["generalizer_pf"], ": Eq. 7 is for the other generalizer"),
    ("bridge/2_generalizers", "CHANGED", {"generaliser_pf", "generaliser_ff"}, ": 'generaliser_ff' is none of the names"),
    ("bridge/6_five_stages", "TIMETABLE", lambda e, t: [
        ("teacher",) * (n <= t) + ("students", "generalizer_pf", "generalizer_ff", "classifier") for n in range(e)
    ], ": the teacher learns in exactly teacher_epochs epochs"),
    ("bridge/1_discrepancy", "COPIED", lambda m: torch.tensor([m, 0.0]), ", case 'M = 1.0': 2 results are asked for, as a tuple (a, b)"),
    ("bridge/5_reading_tsne", "SQUARED", lambda d: torch.tensor([2 * (d - 1), 2 * (d - 1) + 4]), ", case 'D = 5': 2 results"),
])  # fmt: skip
def test_a_wrong_answer_is_refused(book, name, answer, says):
    assert verdict(answer, getattr(tasks_of(book), name)).startswith(f"Not yet{says}")


@pytest.mark.parametrize("book, name, answer", [
    ("bridge/2_generalizers", "CHANGED", ["generalizer_pf", "generalizer_ff"]),
    ("bridge/2_generalizers", "CHANGED", ("generalizer_ff", "generalizer_pf")),
    ("bridge/6_five_stages", "TIMETABLE", lambda e, t: [
        ("teacher",) * (n < t) + ("students", "generalizer_pf", "generalizer_ff", "classifier") for n in range(e)
    ]),
])  # fmt: skip
def test_names_may_come_as_a_list_or_a_tuple(book, name, answer):
    assert verdict(answer, getattr(tasks_of(book), name)) == "Right."


@pytest.mark.parametrize(
    "factor, right", [(8, True), (7.9, True), (7.5, True), (4, False), (16, False), (2 * np.pi, False), (10, False)]
)
def test_the_rule_of_contour_patches_is_held_against_disks(factor, right):
    task = tasks_of("ncl/1_three_kinds_of_patches").DISK
    assert (verdict(lambda r, s: factor * r / s, task) == "Right.") == right
    assert verdict(lambda r, s: 8 * 90 / s, task).startswith(
        "Not yet, case 'radius 60, side 16': about 28 is right, found 45. "
    )


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
        there = [one[~one.isnan()] for one in scores]  # NaN where a picture has one source
        assert all(((one > 0) & (one < 1)).all() for one in there)


@pytest.mark.parametrize("book", BOOKS)
def test_exercises_are_numbered_without_a_gap(book):
    text = "\n\n".join(sources.source(cell) for cell in sources.cells(book) if cell["cell_type"] == "markdown")
    exercises_of = text[text.index("## Exercises") :]
    numbers = [int(one) for one in re.findall(r"^\*\*(\d)\.", exercises_of, flags=re.M)]
    assert numbers == list(range(1, len(exercises(book)) + 1))
