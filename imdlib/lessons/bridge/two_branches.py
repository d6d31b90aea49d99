"""What convolution sees and what attention sees: a small Conformer of the library with its bridges open or cut.

Bridging section 3.4. Scenes of 8 x 16 cells of four pixels, one token each, hold a texture whose tokens are always the
same and only lie in another order, and two marks far apart that are alike or not. The trunk keeps its random weights;
the two heads are logistic regressions (drawings: `two_branches_figures`).
"""

from collections.abc import Iterable, Sequence

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.bridge.conformer import Conformer
from imdlib.scoring import metrics

HEIGHT, WIDTH, CELL, MARK, TEXTURE = (
    8,
    16,
    4,
    2,
    4,
)  # cells; pixels in a cell; sides of a mark and of the texture in cells
FARTHEST = WIDTH - MARK  # largest distance of two marks, in cells
ORANGE, BLUE = (0.9, 0.45, 0.1), (0.1, 0.45, 0.9)
BRIDGES = {"cut": (), "to tokens only": ("to_tokens",), "to map only": ("to_map",), "coupled": ("to_tokens", "to_map")}
TASKS = ("checkerboard or stripes", "marks alike or not")


def render(
    first: Tensor | Sequence[bool],
    second: Tensor | Sequence[bool],
    checker: Tensor | Sequence[bool],
    *,
    distance: Tensor | int,
    left: Tensor | int = 0,
    top: Tensor | int = 0,
    texture: Tensor | int = 6,
    flip: Tensor | bool = False,
    noise: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Scenes (N,3,32,64) in [0,1]; first, second (N,) bool: a mark is orange; checker (N,) bool: a checkerboard, else stripes.

    distance, left: (N,) or int, cells between the left edges of the marks and left of the first one; top, texture: rows
    above the marks and cells left of the texture; flip: light and dark change places.
    """
    first, second, checker = (torch.as_tensor(value).reshape(-1, 1, 1) for value in (first, second, checker))
    left, distance, top, texture, flip = (
        torch.as_tensor(value).reshape(-1, 1, 1) for value in (left, distance, top, texture, flip)
    )
    rows, columns = torch.arange(HEIGHT)[:, None], torch.arange(WIDTH)

    def box(top, left, side):
        return (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)

    cells = torch.full((len(first), 3, HEIGHT, WIDTH), 0.5)
    orange, blue = (torch.tensor(color).view(1, 3, 1, 1) for color in (ORANGE, BLUE))
    for kind, column in ((first, left), (second, left + distance)):
        cells = torch.where(box(top, column, MARK)[:, None], torch.where(kind[:, None], orange, blue), cells)
    light = (rows + torch.where(checker, columns, 0) + flip.int()) % 2 == 0  # (N,HEIGHT,WIDTH)
    cells = torch.where(box(4, texture, TEXTURE)[:, None], 0.1 + 0.8 * light[:, None], cells)
    inside = F.pad(torch.ones(2, 2), (1, 1, 1, 1)).repeat(
        HEIGHT, WIDTH
    )  # the grey rim keeps a cell's colour in its token
    image = 0.5 + inside * (F.interpolate(cells, scale_factor=CELL) - 0.5)
    return (image + noise * torch.randn(image.shape, generator=generator)).clamp(0, 1)


def scenes(count: int, *, distance: int | None = None, noise: float = 0.01, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random scenes: image (N,3,32,64) and truth (N,2) bool of the TASKS; distance in cells, None = 2 to 14 at random."""
    generator = torch.Generator().manual_seed(seed)

    def below(limit):
        return (torch.rand(count, generator=generator) * limit).long()

    checker, alike, first, flip = torch.rand(4, count, generator=generator) < 0.5
    apart = MARK + below(FARTHEST - MARK + 1) if distance is None else torch.full((count,), distance)
    place = dict(left=below(FARTHEST - apart + 1), top=below(2), texture=below(WIDTH - TEXTURE + 1), distance=apart)
    image = render(first, first ^ ~alike, checker, flip=flip, noise=noise, generator=generator, **place)
    return image, torch.stack([checker, alike], 1)


def four(distance: int) -> Tensor:
    """One scene four times, the marks orange-orange, orange-blue, blue-orange, blue-blue: (4,3,32,64), no noise."""
    first, second = torch.tensor([[True, True], [True, False], [False, True], [False, False]]).T
    return render(first, second, [False] * 4, distance=distance, left=(FARTHEST - distance) // 2)


def network(bridges: str = "coupled", *, depth: int = 3, seed: int = 0) -> Conformer:
    """A small Conformer at random weights, in evaluation mode; the bridges that BRIDGES does not name carry zeros.

    Linear layers start by fan-in and fan-out, not with deviation 0.02, which was made for 384 channels.
    """
    torch.manual_seed(seed)
    options = dict(width=8, dim=64, heads=4, stem_stride=1, drop_path=0.0)
    model = Conformer(num_classes=len(TASKS), depth=depth, fusion="none", **options)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight)
    for stage in model.stages:
        for name in {"to_tokens", "to_map"} - set(BRIDGES[bridges]):
            getattr(stage, name).register_forward_hook(lambda module, given, output: torch.zeros_like(output))
    return model.eval()


@torch.no_grad()
def summaries(model: Conformer, image: Tensor) -> dict[str, Tensor]:
    """What each head reads: conv (N,C), the mean of the last map over its cells, and trans (N,D), the class token."""
    kept = []
    hook = model.cam_head.register_forward_pre_hook(lambda module, given: kept.append(given[0].mean((2, 3))))
    parts = [model(some, attention=False)["features"] for some in image.split(50)]
    hook.remove()
    return {"conv": torch.cat(kept), "trans": torch.cat(parts)}


def fit_heads(model: Conformer, image: Tensor, truth: Tensor) -> Conformer:
    """Write a logistic regression for each task into both heads, so that logits > 0 say yes; the trunk is not touched."""
    for name, values in summaries(model, image).items():
        weights, biases = zip(*(logistic(values, answer) for answer in truth.T))
        head = model.trans_head if name == "trans" else model.cam_head
        with torch.no_grad():
            head.weight.zero_()
            (head.weight if name == "trans" else head.weight[:, :, 1, 1]).copy_(torch.stack(weights))
            head.bias.copy_(torch.stack(biases))
    return model


def logistic(values: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (C,) and offset of a logistic regression on standardised values (N,C), to be used on the values themselves."""
    scaler, found = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(values, answer)
    weight = torch.tensor(found.coef_[0] / scaler.scale_)
    return weight.float(), torch.tensor(found.intercept_[0] - (weight.numpy() * scaler.mean_).sum()).float()


def branch_aucs(model: Conformer, image: Tensor, truth: Tensor) -> list[tuple[str, str, float]]:
    """Rows (branch, task, auc) of both branches' own logits."""
    with torch.no_grad():
        parts = [model(some, attention=False) for some in image.split(50)]
    rows = []
    for branch in ("conv_logits", "trans_logits"):
        logits = torch.cat([part[branch] for part in parts]).numpy()
        rows += [(branch, task, metrics.auc(logits[:, k], truth[:, k].numpy())) for k, task in enumerate(TASKS)]
    return rows


def interaction(model: Conformer, distances: Iterable[int]) -> dict[str, list[float]]:
    """How much one mark changes what the other one does, per branch: {branch: [value for each distance]}.

    |AA - AB - BA + BB| / |AA - AB| of the summaries of `four`; 0 = the branch adds up what it sees of each mark.
    """
    found = {"conv": [], "trans": []}
    for distance in distances:
        for branch, (aa, ab, ba, bb) in summaries(model, four(distance).double()).items():
            found[branch].append(float((aa - ab - ba + bb).norm() / (aa - ab).norm()))
    return found


def shuffled(image: Tensor, seed: int = 0) -> Tensor:
    """The same cells in another order, the outermost ring in place: image (N,3,H,W) -> the same shape."""
    cells = image.unflatten(3, (-1, CELL)).unflatten(2, (-1, CELL)).clone()  # (N,3,h,CELL,w,CELL)
    inner = cells[:, :, 1:-1, :, 1:-1].permute(2, 4, 0, 1, 3, 5)  # (h-2,w-2,N,3,CELL,CELL)
    flat = inner.flatten(0, 1)
    mixed = flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))].view(inner.shape)
    cells[:, :, 1:-1, :, 1:-1] = mixed.permute(2, 3, 0, 4, 1, 5)
    return cells.flatten(4, 5).flatten(2, 3)


def field(model: Conformer, image: Tensor, branch: str, cell: tuple[int, int]) -> Tensor:
    """Effective receptive field (H,W): |gradient| of the squares of one cell, of `cam` or of the last tokens, mean over
    images and channels; cell: (row, column)."""
    image = image.clone().requires_grad_()
    if branch == "conv":
        grid = overheard(model, model.cam_head, image)
    else:
        tokens = overheard(model, model.stages[-1].block, image)[:, 1:]
        grid = tokens.transpose(1, 2).unflatten(2, (image.shape[2] // CELL, image.shape[3] // CELL))
    (grid[:, :, cell[0], cell[1]] ** 2).sum().backward()
    return image.grad.abs().mean((0, 1))


def width_of_field(depth: int, *, side: int = 96, seed: int = 0) -> int:
    """Columns of pixels that one cell of the CAM hears when the bridges are cut."""
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return int((field(network("cut", depth=depth), image, "conv", (side // 8, side // 8)).amax(0) > 0).sum())


@torch.no_grad()
def messages(model: Conformer, before: Tensor, after: Tensor) -> dict[tuple[int, str], Tensor]:
    """What each bridge passes otherwise when `before` (1,3,H,W) becomes `after`: {(stage, bridge): (h,w)}.

    Norm over channels of the difference, mean over a cell, as a share of the mean norm of what is passed.
    """
    found = {}
    for number, stage in enumerate(model.stages, start=1):
        for name in ("to_tokens", "to_map"):
            passed = overheard(model, getattr(stage, name), torch.cat([before, after]))
            passed = passed if name == "to_map" else passed.transpose(1, 2).unflatten(2, (HEIGHT, WIDTH))
            change = (passed[1] - passed[0]).norm(dim=0) / passed[0].norm(dim=0).mean()
            found[number, name] = F.adaptive_avg_pool2d(change[None], (HEIGHT, WIDTH))[0]
    return found


def overheard(model: Conformer, module: nn.Module, image: Tensor) -> Tensor:
    """What one module of the model gives when the model sees an image."""
    kept = []
    hook = module.register_forward_hook(lambda module, given, output: kept.append(output))
    model(image, attention=False)
    hook.remove()
    return kept[0]
