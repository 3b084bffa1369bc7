"""Engines turn faces and motion into frames."""
