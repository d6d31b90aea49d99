"""Eq. 1 to 8 against loops, closed forms and torch, empty cases first; which network learns from which equation."""

import pytest
import torch
from torch.nn import functional as F

from imdlib.bridge.discrepancy import (
    Discrepancy,
    Outputs,
    converge,
    discrepancy_vector,
    diverge,
    generalizer_loss,
    squared_distance,
    student_losses,
)
from imdlib.bridge.labels import FULLY, PARTLY, REAL
from imdlib.bridge.transformers import Generalizer, Reader, first_token

SMALL = dict(dim=12, depth=1, heads=2)


def outputs(rows, size=3, seed=0, grad=False):
    g = torch.Generator().manual_seed(seed)
    return Outputs(
        *(torch.randn(rows, size, generator=g, dtype=torch.float64).mul(2).requires_grad_(grad) for _ in range(3))
    )


def naive_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist()))


def naive_converge(t, s):
    return sum(naive_distance(a, b) for a, b in zip(t, s)) / len(t)


def naive_diverge(t, s, margin):
    return sum(max(margin - naive_distance(a, b), 0) for a, b in zip(t, s)) / len(t)


def test_no_image_gives_zero_with_a_graph():
    z = torch.randn(3, 4, requires_grad=True)
    for loss in (converge(z[:0], z[:0]), diverge(z[:0], z[:0]), diverge(z[:0], z[:0], elementwise=True)):
        assert loss == 0
        (gradient,) = torch.autograd.grad(loss, z)
        assert torch.equal(gradient, torch.zeros_like(z))


@pytest.mark.parametrize("present", [(REAL,), (PARTLY,), (FULLY,), (REAL, FULLY)])
def test_students_learn_from_a_batch_without_some_classes(present):
    raw, label = outputs(4, grad=True), torch.tensor([present[i % len(present)] for i in range(4)])
    partly, fully = (outputs(int((label == one).sum()), seed=one) for one in (PARTLY, FULLY))
    losses = student_losses(raw, partly, fully, label, margin=1000.0)
    losses["loss"].backward()
    absent = {REAL: ("real1", "real2"), PARTLY: ("pf_diverge2", "pf_converge1"), FULLY: ("ff_diverge1", "ff_converge2")}
    for one, names in absent.items():
        assert all((losses[name] == 0) == (one not in present) for name in names)
    assert all(torch.isfinite(z.grad).all() for z in raw)


@pytest.mark.parametrize("margin", [4.0, 30.0])
def test_equations_equal_the_loop(margin):
    label = torch.tensor([0, 1, 2, 1, 0, 2, 2])
    raw, partly, fully = outputs(7), outputs(2, seed=1), outputs(3, seed=2)
    losses = student_losses(raw, partly, fully, label, margin=margin, diverge_on_raw_too=True)
    rows = {one: raw.of(label == one) for one in (REAL, PARTLY, FULLY)}
    expected = {
        "real1": naive_converge(rows[REAL].teacher, rows[REAL].student1),
        "real2": naive_converge(rows[REAL].teacher, rows[REAL].student2),
        "pf_diverge2": naive_diverge(partly.teacher, partly.student2, margin),
        "pf_converge1": naive_converge(rows[PARTLY].teacher, rows[PARTLY].student1),
        "ff_diverge1": naive_diverge(fully.teacher, fully.student1, margin),
        "ff_converge2": naive_converge(rows[FULLY].teacher, rows[FULLY].student2),
        "pf_diverge2_raw": naive_diverge(rows[PARTLY].teacher, rows[PARTLY].student2, margin),
        "ff_diverge1_raw": naive_diverge(rows[FULLY].teacher, rows[FULLY].student1, margin),
    }
    assert {name: value.item() for name, value in losses.items() if name != "loss"} == pytest.approx(expected)
    assert losses["loss"].item() == pytest.approx(sum(expected.values()))
    without = student_losses(raw, partly, fully, label, margin=margin)
    assert without["loss"].item() == pytest.approx(sum(v for k, v in expected.items() if not k.endswith("raw")))


@pytest.mark.parametrize("swap", [False, True])
def test_generalizer_loss_equals_the_loop(swap):
    z = outputs(5, seed=3)
    push, pull = (z.student2, z.student1) if swap else (z.student1, z.student2)
    expected = naive_diverge(z.teacher, push, 6.0) + naive_converge(z.teacher, pull)
    assert generalizer_loss(z.teacher, push, pull, margin=6.0).item() == pytest.approx(expected)


def test_torch_agrees():
    t, s, _ = outputs(6, seed=4)
    assert converge(t, s).item() == pytest.approx(3 * F.mse_loss(s, t).item())
    assert squared_distance(t, s).tolist() == pytest.approx(F.pairwise_distance(t, s, eps=0).square().tolist())
    # torch's hinge loss: max(0, margin - d) for label -1
    hinge = F.hinge_embedding_loss(squared_distance(t, s), -torch.ones(6, dtype=torch.float64), margin=4.0)
    assert diverge(t, s, margin=4.0).item() == pytest.approx(hinge.item())
    each = F.hinge_embedding_loss((t - s).square(), -torch.ones(6, 3, dtype=torch.float64), margin=4.0)
    assert diverge(t, s, margin=4.0, elementwise=True).item() == pytest.approx(each.item())


def test_closed_forms():
    zero, two = torch.zeros(3, 4), torch.ones(3, 4)  # squared distance 4, distance 2
    assert converge(zero, two) == 4 and converge(zero, zero) == 0
    assert diverge(zero, zero) == 4 and diverge(zero, two) == 0 and diverge(zero, two / 2) == 3
    assert diverge(zero, two, elementwise=True) == 3
    assert generalizer_loss(zero, zero, zero) == 4 and generalizer_loss(zero, two, zero) == 0
    assert generalizer_loss(zero, zero, two) == 8  # the worst of both
    probabilities = torch.eye(2), torch.eye(2).flip(0)
    assert diverge(*probabilities) == 2  # two probability vectors are at most 2 apart: margin 4 is never met


def test_the_hinge_stops_at_the_margin_and_pushes_apart_before_it():
    near, far = torch.tensor([[0.5, 0.0]], requires_grad=True), torch.tensor([[3.0, 0.0]], requires_grad=True)
    teacher = torch.zeros(1, 2)
    (gradient,) = torch.autograd.grad(diverge(teacher, near), near)
    assert gradient[0, 0] < 0  # descending moves it further away
    (gradient,) = torch.autograd.grad(diverge(teacher, far), far)
    assert not gradient.any()


def test_gradients():
    z = outputs(4, seed=5, grad=True)
    label = torch.tensor([0, 1, 2, 0])

    def total(t, a, b):
        raw = Outputs(t, a, b)
        return student_losses(raw, raw.of(label == PARTLY), raw.of(label == FULLY), label, margin=20.0)["loss"]

    torch.autograd.gradcheck(total, tuple(z))
    torch.autograd.gradcheck(lambda t, a, b: generalizer_loss(t, a, b, margin=20.0), tuple(z))


def test_losses_are_float32_inside_autocast():
    z = Outputs(*(one.to(torch.bfloat16) for one in outputs(4)))
    label = torch.tensor([0, 1, 2, 0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = student_losses(z, z.of(label == PARTLY), z.of(label == FULLY), label)
        assert all(value.dtype == torch.float32 for value in losses.values())
        assert discrepancy_vector(z).dtype == torch.float32
    plain = student_losses(*(z.of(rows) for rows in (label >= 0, label == PARTLY, label == FULLY)), label)
    assert losses["loss"] == plain["loss"]


def test_vector_of_equation_8():
    z = outputs(3)
    vector = discrepancy_vector(z)
    for b in range(3):
        expected = [(z.teacher[b, k] - s[b, k]).item() ** 2 for s in (z.student1, z.student2) for k in range(3)]
        assert vector[b].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("disc_on, width", [("logits", 6), ("feature", 24)])
def test_module(disc_on, width):
    model, tokens = Discrepancy(5, disc_on=disc_on, **SMALL), torch.randn(4, 7, 5)
    vector = model(tokens)
    assert model.width == width and vector.shape == (4, width) and (vector >= 0).all()
    d1 = squared_distance(*(network(tokens)[disc_on == "feature"] for network in (model.teacher, model.student1)))
    torch.testing.assert_close(model.distances(tokens)[:, 0], d1)
    assert model(tokens[:0]).shape == (0, width)
    assert model.teacher_logits(tokens).shape == (4, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(tokens).dtype == torch.float32
    torch.testing.assert_close(model(tokens[2:3])[0], vector[2])  # an image's vector does not depend on its batch


def test_reference_networks():
    with torch.device("meta"):
        model = Discrepancy(1024)
    assert len(model.teacher.blocks) == len(model.generalizer_pf.blocks) == 4
    assert model.teacher.readout.shape[2] == 384 and model.teacher.blocks[0].attn.num_heads == 6
    block = 12 * 384**2 + 13 * 384  # weights and biases of attention, MLP and two norms
    assert sum(p.numel() for p in model.teacher.parameters()) == 4 * block + (1024 + 1) * 384 + 3 * 384 + 385 * 3


def test_generalizer_starts_as_identity_and_can_learn():
    model, tokens = Generalizer(5, **SMALL), torch.randn(2, 7, 5)
    assert torch.equal(model(tokens), tokens)
    model(tokens).square().sum().backward()
    assert model.head.weight.grad.any()
    assert model(tokens[:0]).shape == (0, 7, 5)


def test_reader_uses_every_token_and_ignores_none():
    model, tokens = Reader(5, **SMALL), torch.randn(1, 7, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(tokens)[0].sum(), tokens)
    assert (gradient.abs().sum(2) > 0).all()


def test_the_first_token_is_that_of_the_whole_block():
    x = torch.randn(3, 7, 16)
    for block in Reader(5, **SMALL | dict(dim=16, depth=2, heads=2)).blocks:
        torch.testing.assert_close(first_token(block, x), block(x)[:, 0])


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="disc_on='probability'.*'logits' or 'feature'"):
        Discrepancy(5, disc_on="probability")
    with pytest.raises(ValueError, match=r"tokens: expected float \(B,T,5\), found torch.float32 \(2, 7, 6\)"):
        Reader(5, **SMALL)(torch.randn(2, 7, 6))


@pytest.mark.parametrize("disc_on", ["logits", "feature"])
def test_outputs_of_several_parts_are_those_of_each(disc_on):
    torch.manual_seed(0)
    model = Discrepancy(8, disc_on=disc_on, dim=16, depth=1, heads=2).eval()
    parts = torch.randn(5, 3, 8), torch.randn(0, 3, 8), torch.randn(2, 3, 8)
    for some, together in zip(parts, model.outputs_of(*parts), strict=True):
        for one, same in zip(model.outputs(some), together, strict=True):
            assert same.shape == one.shape
            torch.testing.assert_close(same, one)
    assert model.outputs_of(parts[1])[0].teacher.shape == (0, model.width // 2)
