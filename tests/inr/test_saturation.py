"""Where clusters are apart, Eq. 5 as printed still pulls with 1 / tau, and InfoNCE has let go."""

import pytest

from imdlib.inr.saturation import slopes


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_slopes(tau):
    found = slopes([0.5, -0.5], tau=tau, spread=0.0).set_index(["form", "cosine"])["slope"]
    assert found["literal"].tolist() == pytest.approx([1 / tau] * 2, rel=1e-4)
    # InfoNCE of K tampered cells: sigmoid(cosine / tau + log K - 1 / tau) / tau
    assert found["standard", -0.5] < found["standard", 0.5] < 1 / tau
    expected = 1 / tau / (1 + 2.718281828 ** (1 / tau * 1.5) / 64)
    assert found["standard", -0.5] == pytest.approx(expected, rel=1e-3)
