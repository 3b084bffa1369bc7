"""What Python programs use: `txt2vid.render`, `txt2vid.Face`, `txt2vid.Session`. docs/python.md says what of it stays.

A thin shell over `pipeline`: it turns what people write into the options that the pipelines read, and says no early.
"""

from txt2vid.api.asked import EXPRESSIONS
from txt2vid.api.face import Face
from txt2vid.api.rendering import Rendered, render
from txt2vid.api.session import Frame, Session

__all__ = ["EXPRESSIONS", "Face", "Frame", "Rendered", "Session", "render"]
