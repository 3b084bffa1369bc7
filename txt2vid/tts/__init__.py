"""Voices: text becomes speech, with the time of each phoneme where the voice tells it."""
