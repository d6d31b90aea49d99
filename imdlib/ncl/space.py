"""The rows that NCL's claims compare, and the settings that each is tuned in: as many trials for a rival as for the method.

The paper names omega 0.01 and mu 0.9, no tau, and one learning rate for another optimizer and network; here all are searched.
"""

from imdlib.baselines.names import LOCALIZERS
from imdlib.networks.named import LITE0
from imdlib.protocol.search import Linear, Log, Row

SPACE = {
    "learning_rate": Log(0.0005, 0.01),
    "weight_decay": Log(0.00001, 0.01),
    "omega": Log(0.001, 1.0),
    "mu": Linear(0.1, 0.95),
    "tau": Log(0.05, 1.0),
}
COMMON = ("learning_rate", "weight_decay")
CONTRAST = (*COMMON, "omega", "tau")
WHOLE = (*COMMON, "omega", "mu", "tau")
RGB = {"inputs": "rgb"}  # what the paper's network sees
SCRATCH = {"backbone": LITE0, "inputs": "rgb", "pretrained": False}
PRETRAINED = {"backbone": LITE0, "inputs": "rgb", "pretrained": True}

ROWS = {
    "base": Row({"variant": "base"}, COMMON),
    "base-balanced": Row({"variant": "base-balanced"}, COMMON),
    "contrast": Row({"variant": "contrast"}, CONTRAST),
    "pivot": Row({"variant": "pivot"}, CONTRAST),
    "pc": Row({"variant": "pc"}, (*COMMON, "mu")),
    "pivot+pc": Row({"variant": "pivot+pc"}, WHOLE),
    "rgb-base": Row({"variant": "base"} | RGB, COMMON),
    "rgb-pivot+pc": Row({"variant": "pivot+pc"} | RGB, WHOLE),
    "scratch-base": Row({"variant": "base"} | SCRATCH, COMMON),
    "scratch-pivot+pc": Row({"variant": "pivot+pc"} | SCRATCH, WHOLE),
    "pretrained-base": Row({"variant": "base"} | PRETRAINED, COMMON),
    "pretrained-pivot+pc": Row({"variant": "pivot+pc"} | PRETRAINED, WHOLE),
} | {name: Row({"variant": name}, COMMON) for name in LOCALIZERS}
