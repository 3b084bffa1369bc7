"""How well lips and sound belong together, and how steady the face is, in any video: measured, not judged by eye."""
