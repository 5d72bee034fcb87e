"""Probe kinds: one file = one kind = one name in YAML; files beginning with `_` are private to this folder."""
