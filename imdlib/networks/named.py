"""Names of networks for what plans and labels runs, and loads none of them: timm and PyTorch take seconds to be imported."""

LITE0 = "efficientnet_lite0"  # `lite0.NAME`
LITE0_PRECISION = (
    "32-true"  # of its runs: with bfloat16 a step takes 1.4 times as long even on processors that multiply it
)
