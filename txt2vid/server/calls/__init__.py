"""Calls: rooms, who is in them, the heroes that they chose, and the passes that let them speak and watch."""
