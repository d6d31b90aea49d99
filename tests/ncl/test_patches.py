"""Patch labels against loops over cells, and the random draw of patches."""

import pytest
import torch
from torch.nn import functional as F

from imdlib.ncl.patches import contour_pixels, label_patches, shrink_mask


def test_labels_of_aligned_and_misaligned_squares():
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    mask[0, :, 4:12, 4:12] = 1  # on the borders of 4x4 cells
    mask[1, :, 5:12, 4:12] = 1  # one row down: the upper row of cells is mixed
    aligned, shifted = label_patches(mask, (4, 4)).tolist()
    assert aligned == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert shifted == [[0, 0, 0, 0], [0, 2, 2, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("shape, grid", [((13, 17), (4, 5)), ((16, 16), (4, 4)), ((37, 32), (10, 8)), ((5, 5), (5, 5))])
def test_labels_equal_a_loop_over_cells(shape, grid):
    g = torch.Generator().manual_seed(3)
    coarse = torch.rand(3, 1, 4, 4, generator=g)
    mask = (F.interpolate(coarse, shape, mode="nearest") > 0.5).to(torch.uint8)
    mask[2, :, shape[0] - 3 :] = 255
    labels = label_patches(mask, grid)
    assert labels.dtype == torch.int8
    for b in range(3):
        for i in range(grid[0]):
            for j in range(grid[1]):
                top, bottom = i * shape[0] // grid[0], -(-(i + 1) * shape[0] // grid[0])
                left, right = j * shape[1] // grid[1], -(-(j + 1) * shape[1] // grid[1])
                values = set(mask[b, 0, top:bottom, left:right].flatten().tolist())
                expected = -1 if 255 in values else 2 if len(values) > 1 else values.pop()
                assert labels[b, i, j] == expected
    pixels = contour_pixels(labels, shape)  # the pixels of contour cells, and no other
    for b, y, x in torch.cartesian_prod(torch.arange(3), torch.arange(shape[0]), torch.arange(shape[1])).tolist():
        rows = [i for i in range(grid[0]) if i * shape[0] // grid[0] <= y < -(-(i + 1) * shape[0] // grid[0])]
        columns = [j for j in range(grid[1]) if j * shape[1] // grid[1] <= x < -(-(j + 1) * shape[1] // grid[1])]
        assert pixels[b, y, x] == any(labels[b, i, j] == 2 for i in rows for j in columns)


def test_dilated_contour_is_wider_but_never_comes_from_padding():
    mask = torch.zeros(1, 32, 32)
    mask[:, :14] = 1
    assert (label_patches(mask, (8, 8)) == 2).sum() == 8
    assert (label_patches(mask, (8, 8), dilate=1) == 2).sum() == 24
    padded = torch.ones(1, 32, 32)
    padded[:, 30:] = 255
    assert label_patches(padded, (8, 8), dilate=1).unique().tolist() == [-1, 1]


@pytest.mark.parametrize("bad", [torch.full((1, 1, 8, 8), 0.5), torch.zeros(8, 8), torch.zeros(1, 3, 8, 8)])
def test_masks_of_other_values_or_shapes_are_refused(bad):
    with pytest.raises(ValueError, match="mask: expected"):
        label_patches(bad, (2, 2))


def test_shrunken_mask_is_a_majority_with_padding_kept():
    mask = torch.tensor([[[0, 0, 1, 1, 1, 255], [0, 1, 1, 0, 1, 1]]])
    assert shrink_mask(mask, (1, 3)).tolist() == [[[0, 1, 255]]]
    assert torch.equal(shrink_mask(mask, (2, 6)), mask)
