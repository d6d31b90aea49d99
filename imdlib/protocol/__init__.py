"""The protocol that every verdict passes: equal tuning, training until flat, a gate, and how much hangs on the setting."""
