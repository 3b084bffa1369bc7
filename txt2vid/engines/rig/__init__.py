"""The mesh engine's parts: how a picture's face is measured, moved and drawn."""
