"""Paid services: their keys, and requests that carry those to them and to nobody else."""
