"""txt2vid: a talking face from a voice or a text, live."""

__version__ = "0.1.0"
