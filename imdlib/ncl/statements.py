"""What NCL states and what we check besides, each as two methods of a cut that decide it.

The paper's tables print pixel AUC and F1, which also reward a map for lying where tampering usually lies. Shuffled AUC, the
paper's AUC without that, therefore decides; where a statement is about calling pixels, F1 at 0.5 does.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl import cuts
from imdlib.ncl.grid import OWN
from imdlib.ncl.labelled import METRICS
from imdlib.pages.claims import Statement

BASE, BALANCED, AUX, CONTRAST, PIVOT, PC, WHOLE = OWN.values()
BLOB = "centre blob"


def stated(
    name: str, where: str, says: str, cut: Callable, worse: str, better: str, overturned: str,
    *, home: Callable | None = None, decides: str = "auc_shuffled", **more: Any,
) -> Statement:  # fmt: skip
    """A Statement whose gate asks whether one side has learned on its own test images.

    home: the cut with both sides on their own test images, where `cut` holds others; the gate looks at shuffled AUC always.
    """
    gate = dict(gate=partial(cuts.gate, cut=home or cut), gate_metric="auc_shuffled")
    return Statement(name, where, says, cut, worse, better, METRICS, decides, overturned=overturned, **gate | more)


headline = partial(stated, headline=True)  # in the README, too

# name, where, what is said, the rows that decide, worse, better, what would overturn the verdict
# fmt: off
STATEMENTS = (
    headline("pivot", "Table 5", "the pivot's contrast improves on Base, on the training set's own test images",
        cuts.steps, BASE, PIVOT, "another sign on real images, or with a longer training than this one's"),
    headline("pc", "Table 5", "the pivot-consistent loss improves on Base+Pivot, own test images",
        cuts.steps, PIVOT, WHOLE, "another sign with the authors' contour, whose width they do not state"),
    headline("ncl", "Tables 1, 5", "the whole of NCL improves on Base, own test images",
        cuts.both, BASE, WHOLE, "another sign on real images, or with a longer training than this one's"),
    headline("ncl-unseen", "Tables 2, 5", "the whole of NCL improves on Base, sets not trained on",
        cuts.both_unseen, BASE, WHOLE, "another sign between real sets, whose differences the twins only imitate", home=cuts.both),
    stated("contour", "section 1", "contour patches through the pivot beat dropping them, own test images",
        cuts.steps, CONTRAST, PIVOT, "an effect with larger crops, in which fewer patches lie on a contour"),
    stated("pivot-unseen", "Table 5", "the pivot's contrast improves on Base, on sets not trained on",
        cuts.steps_unseen, BASE, PIVOT, "another sign between real sets", home=cuts.steps),
    stated("pc-unseen", "Table 5", "the pivot-consistent loss improves on Base+Pivot, sets not trained on",
        cuts.steps_unseen, PIVOT, WHOLE, "another sign between real sets", home=cuts.steps),
    stated("together", "Table 2", "NCL trained on all sets together beats NCL trained on the tested set alone",
        cuts.together, "own", "all", "another sign at a training that grows with the number of images"),

    # other papers' networks and detectors: stated when their runs were there, so that none is a headline
    *[
        stated(f"rival-{name}", "not printed", f"the whole of NCL localizes better than {title}, own test images",
            cuts.rivals, title, WHOLE, f"{title} at the size and with the images of its authors")
        for name, title in LOCALIZERS.items()
    ],
    stated("rival-classic", "not printed", "the whole of NCL localizes better than the best classic detector, own test images",
        cuts.rivals, cuts.CLASSIC, WHOLE, "images without the traces that classic detectors look for"),
    *[
        stated(f"rival-{name}-unseen", "not printed", f"the whole of NCL localizes better than {title}, sets not trained on",
            cuts.rivals_unseen, title, WHOLE, f"{title} at the size and with the images of its authors", home=cuts.rivals)
        for name, title in LOCALIZERS.items()
    ],

    # which part of the whole method does it: variants that lack one thing each
    headline("contrast-whole", "Eq. 9", "the contrast adds to Eq. 8 alone, both tuned, own test images",
        cuts.controlled, PC, WHOLE, "another sign with an omega outside 0.001 to 1"),
    stated("aux", "not printed", "an auxiliary head improves on Base, without weight on the contour",
        cuts.controlled, BASE, AUX, "another sign where the head is more than one 1x1 convolution"),
    stated("band", "section 3.3", "Eq. 8's weight on the contour improves on the same two supervisions without it",
        cuts.controlled, AUX, PC, "another sign with a band of another width"),
    headline("balanced", "our control", "the whole of NCL calls pixels better than a Base whose classes weigh alike, own test images",
        cuts.controlled, BALANCED, WHOLE, "another sign at a threshold chosen on validation images", decides="f1"),
    stated("balanced-rank", "our control", "the whole of NCL ranks pixels better than a Base whose classes weigh alike, own test images",
        cuts.controlled, BALANCED, WHOLE, "another sign on real images"),
    stated("balanced-unseen", "our control", "NCL calls pixels better than a Base whose classes weigh alike, sets not trained on",
        cuts.controlled_unseen, BALANCED, WHOLE, "another sign at a threshold chosen on validation images",
        home=cuts.controlled, decides="f1"),
    stated("balance", "not printed", "weighing both classes alike improves Base's calls, sets not trained on",
        cuts.controlled_unseen, BASE, BALANCED, "another sign at a threshold chosen on validation images",
        home=cuts.controlled, decides="f1"),

    # what the network is let see, and where it starts
    headline("rgb", "Tables 1, 5", "the whole of NCL improves on Base where both see RGB alone, as in the paper",
        cuts.rgb, BASE, WHOLE, "a Base that learns from RGB: more images, a larger network, or a longer training"),
    stated("residual", "not printed", "a high-pass residual beside RGB improves Base",
        cuts.eyes, f"{BASE}, rgb", f"{BASE}, rgb+residual", "a network that finds such a filter itself"),
    stated("residual-ncl", "not printed", "a high-pass residual beside RGB improves the whole of NCL",
        cuts.eyes, f"{WHOLE}, rgb", f"{WHOLE}, rgb+residual", "a network that finds such a filter itself"),
    headline("free", "title, Table 1", "NCL from scratch improves on a pre-trained Base, one network, RGB",
        cuts.started, "Base, pre-trained", "NCL, from scratch", "another sign with weights learned on forgeries, as the paper's rivals",
        read_with="Base from scratch on that network, and NCL on its own, in the table of what networks are let see"),
    stated("free-own", "title, Table 1", "NCL from scratch on its own network improves on a pre-trained Base on RGB",
        cuts.own_network, "Base, pre-trained", "NCL, own network", "a pre-trained network that is let see the residual, too"),
    stated("pretrained", "section 1", "ImageNet weights improve Base",
        cuts.started, "Base, from scratch", "Base, pre-trained", "another sign at a training many times as long"),
    stated("pretrained-ncl", "Table 4", "NCL improves a pre-trained Base",
        cuts.started, "Base, pre-trained", "NCL, pre-trained", "another sign with weights learned on forgeries, as the paper's"),
    stated("scratch-ncl", "Table 1", "NCL improves the same network from scratch",
        cuts.started, "Base, from scratch", "NCL, from scratch", "a Base that learns from RGB"),
    stated("vit", "Table 4", "NCL improves a ViT",
        cuts.vit, "ViT", "ViT+NCL", "another sign with the pre-trained transformer of the paper"),

    stated("attacked", "Table 3", "NCL stands above Base on attacked images",
        cuts.attacked, BASE, WHOLE, "another sign with training images that were attacked", home=cuts.unattacked),
    headline("attack-loss", "section 4.2", "NCL loses less than Base to attacks",
        cuts.attack_loss, BASE, WHOLE, "the same loss where both start from the same height", home=cuts.unattacked),

    # Table 6, at one width of Eq. 8's band for every block, without Eq. 8, and with each block's own grid as in the paper
    headline("early", "Table 6", "contrast after the stem beats contrast after the last block, Eq. 8's contour the same",
        cuts.hooks, "layer4", "stem", "another sign at another width of the contour"),
    stated("early-alone", "Table 6", "contrast after the stem beats contrast after the last block, without Eq. 8",
        cuts.hooks_alone, "layer4", "stem", "another sign at a higher omega"),
    stated("early-printed", "Table 6", "contrast after the stem beats contrast after the last block, each with its own grid's contour",
        cuts.own_contours, "layer4", "stem", "nothing about the contrast: the contour's width moves with the block"),
    stated("early-layer1", "Table 6", "contrast after layer1 beats contrast after the last block, Eq. 8's contour the same",
        cuts.hooks, "layer4", "layer1", "another sign at another width of the contour"),
    stated("first", "Table 6", "contrast after the stem beats contrast after layer1, Eq. 8's contour the same",
        cuts.hooks, "layer1", "stem", "another sign at another width of the contour"),

    headline("omega-some", "section 4.3", "omega 0.1 beats no contrast, the whole loss else unchanged",
        cuts.omegas, "0.0", "0.1", "another sign with mu or tau of another size"),
    stated("omega-one", "section 4.3", "omega 1 beats no contrast, the whole loss else unchanged",
        cuts.omegas, "0.0", "1.0", "another sign with mu or tau of another size"),
    stated("omega-paper", "section 4.3", "omega 0.01, the paper's, beats no contrast, the whole loss else unchanged",
        cuts.omegas, "0.0", "0.01", "another sign with mu or tau of another size"),
    headline("omega-low", "section 4.3", "a low omega (0.01) beats a high one (1)",
        cuts.omegas, "1.0", "0.01", "another sign with mu or tau of another size"),
    stated("mu-high", "section 4.3", "a high mu (0.9) beats 0.5",
        cuts.mus, "0.5", "0.9", "another sign with a band of another width"),
    stated("mu-zero", "section 4.3", "mu 0.9 beats no weight on the contour (0)",
        cuts.mus, "0.0", "0.9", "another sign with a band of another width"),
    stated("second-head", "section 3.3", "a second auxiliary head, on ASPP's output, improves NCL",
        cuts.second_head, "False", "True", "another sign where the heads weigh differently"),
    stated("sgd", "section 4", "with the paper's optimizer and learning rate NCL improves on Base",
        cuts.papers_optimizer, BASE, WHOLE, "70 epochs of full size, which SGD needs"),
    headline("few", "section 1", "on a tenth of the images NCL improves on Base",
        cuts.few, BASE, WHOLE, "another sign with settings that are tuned on so few images"),
    stated("enough", "section 1", "NCL on a tenth of the images beats Base on all of them",
        cuts.enough, "Base, all", "NCL, few", "another sign with settings that are tuned on so few images"),
    stated("base-blob", "not printed", "Base localizes better than the centre blob, own test images",
        cuts.beside_blind, BLOB, BASE, "test images whose tampering lies in the middle", gate=None),
    stated("ncl-blob", "not printed", "NCL localizes better than the centre blob, own test images",
        cuts.beside_blind, BLOB, WHOLE, "test images whose tampering lies in the middle", gate=None),
)
# fmt: on
