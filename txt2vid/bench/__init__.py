"""Measuring the live path with real processes on this machine: `txt2vid bench live`."""
