"""Ears: sound becomes text. One file a backend, found by name in the registry, imported on use."""
