"""Blur and distance to the edge that give the same bits on every processor.

OpenCV's filters of floats fuse products and sums where the processor can, and its distance transform has two
implementations. Here every operation is one of NumPy's element by element, correctly rounded, in a fixed order.
"""

import cv2
import numpy as np

STEP, DIAGONAL = np.float32(0.955), np.float32(1.3693)  # OpenCV's approximation of distances in a 3 x 3 neighbourhood
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SQUARE = np.ones((3, 3), np.uint8)


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of float32 (H,W) or (H,W,C); sigma in pixels, mirrored at the frame. As cv2.GaussianBlur, to a last bit."""
    taps = cv2.getGaussianKernel(round(8 * sigma + 1) | 1, sigma, cv2.CV_32F)[:, 0]
    reach = len(taps) // 2
    padded = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    height, width = image.shape[:2]
    rows = weighted(padded.swapaxes(0, 1), taps, width).swapaxes(0, 1)
    return weighted(np.ascontiguousarray(rows), taps, height)


def weighted(x: np.ndarray, taps: np.ndarray, length: int) -> np.ndarray:
    """Sum over k of taps[k] * x[k : k + length], for symmetric taps: the middle first, then outwards."""
    middle = len(taps) // 2
    total = x[middle : middle + length] * taps[middle]
    for k in range(1, middle + 1):
        pair = x[middle - k : middle - k + length] + x[middle + k : middle + k + length]
        pair *= taps[middle + k]
        total += pair
    return total


def distance(mask: np.ndarray, furthest: float) -> np.ndarray:
    """Distance, in pixels and at most `furthest`, of each pixel of mask (H,W) uint8 from the nearest zero; float32.

    As cv2.distanceTransform(mask, DIST_L2, 3), cut off: along the cheapest path of straight and diagonal steps. The frame
    is no edge.
    """
    found = np.where(mask > 0, np.float32(furthest), np.float32(0))
    for _ in range(int(np.ceil(furthest / STEP))):
        straight, diagonal = cv2.erode(found, CROSS) + STEP, cv2.erode(found, SQUARE) + DIAGONAL  # erode: a minimum
        found = np.minimum(found, np.minimum(straight, diagonal))
    return found
