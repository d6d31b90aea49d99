"""Progress: a moving bar where somebody watches, plain lines where a log is written."""

import os
import sys

import psutil


def interactive() -> bool:
    """True in a terminal and in a live notebook; False under Papermill, nbconvert, Snakemake and in pipes."""
    if "ipykernel" not in sys.modules:
        return sys.stderr.isatty()
    try:
        parent = " ".join(psutil.Process(os.getppid()).cmdline())
    except psutil.Error:
        return False
    return "jupyter" in parent and "papermill" not in parent and "nbconvert" not in parent
