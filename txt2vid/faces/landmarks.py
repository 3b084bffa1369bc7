"""Which of the 478 landmarks is what: index groups of MediaPipe's face mesh.

The topology is the one of MediaPipe's canonical face model (Apache 2.0). Rows run from the picture's left to its right
(from the subject's right to their left) where the head is upright.
"""

from __future__ import annotations

from typing import Final

Row = tuple[int, ...]

# The lips, four rows each, from the skin to the seam; the first and last of a row are the mouth's corners.
UPPER_LIP: Final[tuple[Row, ...]] = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER_LIP: Final[tuple[Row, ...]] = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
UPPER_SEAM: Final[Row] = UPPER_LIP[-1]
LOWER_SEAM: Final[Row] = LOWER_LIP[-1]
MOUTH_CORNERS: Final[Row] = (61, 291)

# The lids, three rows each, from the eye's rim outwards; "right" is the subject's right, the picture's left.
UPPER_LID_RIGHT: Final[tuple[Row, ...]] = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (130, 247, 30, 29, 27, 28, 56, 190, 243),
    (226, 113, 225, 224, 223, 222, 221, 189, 244),
)
LOWER_LID_RIGHT: Final[tuple[Row, ...]] = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (130, 25, 110, 24, 23, 22, 26, 112, 243),
    (226, 31, 228, 229, 230, 231, 232, 233, 244),
)
UPPER_LID_LEFT: Final[tuple[Row, ...]] = (
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
    (463, 414, 286, 258, 257, 259, 260, 467, 359),
    (464, 413, 441, 442, 443, 444, 445, 342, 446),
)
LOWER_LID_LEFT: Final[tuple[Row, ...]] = (
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
    (463, 341, 256, 252, 253, 254, 339, 255, 359),
    (464, 453, 452, 451, 450, 449, 448, 261, 446),
)
IRIS_RIGHT: Final[Row] = (468, 469, 470, 471, 472)  # the middle, then the rim
IRIS_LEFT: Final[Row] = (473, 474, 475, 476, 477)

BROW_RIGHT: Final[tuple[Row, ...]] = ((70, 63, 105, 66, 107), (46, 53, 52, 65, 55))  # outer end first
BROW_LEFT: Final[tuple[Row, ...]] = ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285))  # outer end first

# The face's outline, clockwise as the viewer sees it, from the top of the forehead.
OVAL: Final[Row] = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
FOREHEAD_TOP: Final = 10
CHIN: Final = 152
NOSE_BASE: Final = 2
TEMPLES: Final[Row] = (234, 454)  # where face width is measured

# (subject's right, subject's left) points that mirror each other: the head's sideways axis.
MIRRORED: Final[tuple[tuple[int, int], ...]] = (
    (33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (58, 288), (70, 300), (105, 334), (172, 397),
    (50, 280), (205, 425), (93, 323), (21, 251), (103, 332), (149, 378),
)  # fmt: skip
