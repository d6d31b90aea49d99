"""The frozen image tower whose tokens the distillation works on: CLIP's vision transformer, from timm.

Bridging sections 3.2 and 4.1 ("pre-trained CLIP:ViT", without a size).

Differs from the paper: the size and the tokens are not stated. Here ViT-L/14 by default, and the whole sequence after the
final norm, before CLIP's projection, since attention over one pooled vector would have nothing to attend to;
`pooled=True` is that one projected vector. OpenAI's weights were trained with QuickGELU, so that timm's `quickgelu` names
are the exact ones; with `vit_large_patch14_clip_224.openai` the same weights run with another GELU.
"""

import hashlib
from pathlib import Path
from typing import Self

import timm
import torch
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import Tensor, nn
from torch.nn import functional as F

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLIP = "vit_large_patch14_clip_quickgelu_224.openai"


class Tower(nn.Module):
    """A frozen timm vision transformer: prepared images -> tokens (B,T,D), class token first; or (B,1,P) if `pooled`.

    name: of a timm vision transformer. weights: 'hub' to have timm fetch them, or a .safetensors or .pt file with them, in
    timm's, OpenAI's or OpenCLIP's naming. Three members are what `towers.cache.extract` needs: `prepare`, `shape` and
    `identity`.
    """

    def __init__(self, name: str = CLIP, *, weights: Path | str = "hub", pooled: bool = False) -> None:
        super().__init__()
        known = timm.is_model(name)
        if not known or not name.startswith("vit_"):
            near = ", ".join(timm.list_models("vit_*clip*_224", pretrained=False)[:4])
            raise ValueError(f"name={name!r}: expected a vision transformer that timm knows, such as {CLIP}, {near}")
        self.vit = timm.create_model(name)
        load_weights(self.vit, name, weights, head=pooled)
        self.name, self.pooled = name, pooled
        self.side = self.vit.patch_embed.img_size[0]
        self.shape = (1, self.vit.num_classes) if pooled else (self.vit.pos_embed.shape[1], self.vit.embed_dim)
        self.identity = f"{name} {'pooled' if pooled else 'tokens'} bicubic {self.side} {weights_digest(self.vit)}"
        self.register_buffer("mean", torch.tensor(CLIP_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(CLIP_STD).view(1, 3, 1, 1), persistent=False)
        freeze(self)

    def prepare(self, image: Tensor) -> Tensor:
        """image (3,H,W) uint8 RGB of any size -> (3,side,side) float in [0,1]; the whole image, its aspect not kept."""
        image = image[None].float() / 255
        return F.interpolate(image, (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)[0]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """images (B,3,side,side) float in [0,1] -> tokens (B,T,D)."""
        tokens = self.vit.forward_features((images - self.mean) / self.std)
        return self.vit.forward_head(tokens)[:, None] if self.pooled else tokens

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode: the tower is frozen."""
        return super().train(False)


def load_weights(vit: nn.Module, name: str, weights: Path | str, *, head: bool) -> None:
    """Fill a timm model from the hub or from a file; `head`: the projection is needed, too."""
    if weights == "hub":
        try:
            state = timm.create_model(name, pretrained=True).state_dict()
        except Exception as error:  # hub clients raise errors of many kinds where there is no connection
            raise OSError(
                f"weights='hub': the weights of {name} could not be fetched ({type(error).__name__}). On a connected machine "
                f"run `hf download timm/{name} model.safetensors`, copy the file here and give its path as `weights`; "
                "or use imdlib.bridge.towers.standin, which needs no download"
            ) from error
    else:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise FileNotFoundError(
                f"weights={str(weights)!r}: there is no such file. Expected 'hub', or model.safetensors of "
                f"https://huggingface.co/timm/{name}, which a connected machine can download"
            )
        state = checkpoint_filter_fn(timm.models.load_state_dict(path), vit)
    wanted = {key: value.shape for key, value in vit.state_dict().items() if head or not key.startswith("head.")}
    wrong = [key for key, shape in wanted.items() if key not in state or state[key].shape != shape]
    if wrong:
        raise ValueError(
            f"weights={str(weights)!r}: expected those of {name}, but {len(wrong)} of {len(wanted)} tensors are missing or of "
            f"another shape ({', '.join(wrong[:3])}, ...): give the file that belongs to this name"
        )
    vit.load_state_dict({key: state[key] for key in wanted}, strict=False)


def freeze(module: nn.Module) -> nn.Module:
    """Evaluation mode, no gradients."""
    return module.eval().requires_grad_(False)


def weights_digest(module: nn.Module) -> str:
    """Twelve characters that stand for all of a module's weights."""
    sums = hashlib.sha256()
    for key, value in module.state_dict().items():
        sums.update(key.encode())
        sums.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return sums.hexdigest()[:12]
