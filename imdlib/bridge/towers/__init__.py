"""Frozen image towers: what the distillation works on."""
