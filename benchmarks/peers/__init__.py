"""Peers that no package index holds, written anew from what their code computes; each names its source. Nothing of them is copied."""
