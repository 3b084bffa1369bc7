"""Drivers turn something (speech, phonemes, idleness) into motion, frame by frame."""
