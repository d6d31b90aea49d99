"""What NCL states and what we check besides, each as two methods of a cut that decide it.

The paper's tables print pixel AUC and F1, which also reward a map for lying where tampering usually lies. Shuffled AUC, the
paper's AUC without that, therefore decides every statement; the paper's own metrics stand beside it.
"""

from functools import partial

from imdlib.ncl import cuts
from imdlib.ncl.grid import METHODS
from imdlib.ncl.labelled import METRICS
from imdlib.pages.claims import Statement

BASE, CONTRAST, PIVOT, WHOLE = (METHODS[variant] for variant in ("base", "contrast", "pivot", "pivot+pc"))
BLOB = "centre blob"

stated = partial(Statement, metrics=METRICS, decides="auc_shuffled")
headline = partial(stated, headline=True)  # in the README, too

# name, where, what is said, the rows that decide, worse, better
# fmt: off
STATEMENTS = (
    headline("pivot", "Table 5", "the pivot's contrast improves on Base, on the training set's own test images",
        cuts.steps, BASE, PIVOT),
    headline("pc", "Table 5", "the pivot-consistent loss improves on Base+Pivot, own test images",
        cuts.steps, PIVOT, WHOLE),
    headline("ncl", "Tables 1, 5", "the whole of NCL improves on Base, own test images",
        cuts.own, BASE, WHOLE),
    stated("contour", "section 1", "contour patches through the pivot beat dropping them, own test images",
        cuts.steps, CONTRAST, PIVOT),
    stated("pivot-unseen", "Table 5", "the pivot's contrast improves on Base, on sets not trained on",
        cuts.steps_unseen, BASE, PIVOT),
    stated("pc-unseen", "Table 5", "the pivot-consistent loss improves on Base+Pivot, sets not trained on",
        cuts.steps_unseen, PIVOT, WHOLE),
    headline("ncl-unseen", "Tables 2, 5", "the whole of NCL improves on Base, sets not trained on",
        cuts.both_unseen, BASE, WHOLE),
    stated("together", "Table 2", "NCL trained on all sets together beats NCL trained on the tested set alone",
        cuts.together, "own", "all"),
    stated("attacked", "Table 3", "NCL stands above Base on attacked images",
        cuts.attacked, BASE, WHOLE),
    headline("attack-loss", "section 4.2", "NCL loses less than Base to attacks",
        cuts.attack_loss, BASE, WHOLE),
    stated("vit", "Table 4", "NCL improves a ViT",
        cuts.vit, "ViT", "ViT+NCL"),
    headline("early", "Table 6", "contrast after the stem beats contrast after the last block",
        cuts.hooks, "layer4", "stem"),
    stated("early-layer1", "Table 6", "contrast after layer1 beats contrast after the last block",
        cuts.hooks, "layer4", "layer1"),
    stated("first", "Table 6", "contrast after the stem beats contrast after layer1",
        cuts.hooks, "layer1", "stem"),
    headline("omega-low", "section 4.3", "a low omega (0.01) beats a high one (1)",
        cuts.omegas, "1.0", "0.01"),
    stated("omega-zero", "section 4.3", "omega 0.01 beats no contrast at all, the other loss unchanged",
        cuts.omegas, "0.0", "0.01"),
    stated("mu-high", "section 4.3", "a high mu (0.9) beats 0.5",
        cuts.mus, "0.5", "0.9"),
    stated("mu-zero", "section 4.3", "mu 0.9 beats no weight on the contour (0)",
        cuts.mus, "0.0", "0.9"),
    headline("few", "section 1", "on a tenth of the images NCL improves on Base",
        cuts.few, BASE, WHOLE),
    stated("enough", "section 1", "NCL on a tenth of the images beats Base on all of them",
        cuts.enough, "Base, all", "NCL, few"),
    stated("long", "not printed", "trained three times as long, NCL improves on Base",
        cuts.longer, BASE, WHOLE),
    stated("base-blob", "not printed", "Base localizes better than the centre blob, own test images",
        cuts.beside_blind, BLOB, BASE),
    stated("ncl-blob", "not printed", "NCL localizes better than the centre blob, own test images",
        cuts.beside_blind, BLOB, WHOLE),
)
# fmt: on
