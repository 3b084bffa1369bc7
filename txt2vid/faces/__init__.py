"""Finding, tracking and preparing faces."""
