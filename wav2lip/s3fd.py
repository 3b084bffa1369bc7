"""S3FD, the face detector of the published pipeline (Zhang et al. 2017, "S3FD: Single Shot Scale-invariant Face
Detector"): every tensor has its published name and shape, and boxes are read from it as published.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from numpy.typing import NDArray
from torch import Tensor, nn

LONGEST = 640
"""Pixels of a picture's longer side in the network. Its anchors are 16 to 512 pixels, so that faces from a fortieth of
the picture to all of it are found; time and memory grow with the square."""

_TRUNK = (  # VGG16: 3x3 convolutions, a pooling after each group
    (("conv1_1", 3, 64), ("conv1_2", 64, 64)),
    (("conv2_1", 64, 128), ("conv2_2", 128, 128)),
    (("conv3_1", 128, 256), ("conv3_2", 256, 256), ("conv3_3", 256, 256)),
    (("conv4_1", 256, 512), ("conv4_2", 512, 512), ("conv4_3", 512, 512)),
    (("conv5_1", 512, 512), ("conv5_2", 512, 512), ("conv5_3", 512, 512)),
)
_NORMS = {2: ("conv3_3_norm", 256, 10.0), 3: ("conv4_3_norm", 512, 8.0), 4: ("conv5_3_norm", 512, 5.0)}
_TOP = (  # name, channels given and made, kernel, stride, padding; pairs, of which each second one has a head
    ("fc6", 512, 1024, 3, 1, 3),
    ("fc7", 1024, 1024, 1, 1, 0),
    ("conv6_1", 1024, 256, 1, 1, 0),
    ("conv6_2", 256, 512, 3, 2, 1),
    ("conv7_1", 512, 128, 1, 1, 0),
    ("conv7_2", 128, 256, 3, 2, 1),
)
_HEADS = (  # name, channels given, scores: the first level has three for "no face", of which the highest counts
    ("conv3_3_norm", 256, 4),
    ("conv4_3_norm", 512, 2),
    ("conv5_3_norm", 512, 2),
    ("fc7", 1024, 2),
    ("conv6_2", 512, 2),
    ("conv7_2", 256, 2),
)
_STRIDE = 4  # pixels between the first level's cells; each level's are twice its predecessor's
_ANCHOR = 4  # an anchor's side, in strides of its level
_CENTRE, _SIZE = 0.1, 0.2  # variances: the unit of what the network says of a box's middle and of its size
_MEAN = (104.0, 117.0, 123.0)
_FLOOR = 0.05  # of scores; published
_OVERLAP = 0.3  # intersection over union from which two boxes are one face
_LEAST_SIDE = 32  # pixels: five poolings have to leave something


class L2Norm(nn.Module):
    """Each position's channels scaled to length one, then by a learned weight a channel."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same."""
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        scaled: Tensor = x / (length + 1e-10) * self.weight[:, None, None]
        return scaled


class S3FD(nn.Module):
    """Faces as boxes on six levels: 22,459,110 parameters, 65 tensors in its state."""

    def __init__(self) -> None:
        super().__init__()
        for group in _TRUNK:
            for name, given, made in group:
                self.add_module(name, nn.Conv2d(given, made, 3, padding=1))
        for name, given, made, kernel, stride, padding in _TOP:
            self.add_module(name, nn.Conv2d(given, made, kernel, stride, padding))
        for name, channels, scale in _NORMS.values():
            self.add_module(name, L2Norm(channels, scale))
        for name, given, scores in _HEADS:
            self.add_module(f"{name}_mbox_conf", nn.Conv2d(given, scores, 3, padding=1))
            self.add_module(f"{name}_mbox_loc", nn.Conv2d(given, 4, 3, padding=1))

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """x: (n, 3, h, w), RGB less its mean, sides of 32 or more.

        Returns for each level, of strides 4 to 128: (n, 2, h', w') scores before the softmax of "no face" and "face",
        and (n, 4, h', w') offsets of the anchor's middle and logarithms of its size's factors, in variances.
        """
        levels = []
        for (name, _, _), seen in zip(_HEADS, self._features(x), strict=True):
            conf, loc = self._call(f"{name}_mbox_conf", seen), self._call(f"{name}_mbox_loc", seen)
            levels.append((torch.cat([conf[:, :-1].amax(1, keepdim=True), conf[:, -1:]], dim=1), loc))
        return levels

    def _features(self, x: Tensor) -> list[Tensor]:
        seen = []
        for number, group in enumerate(_TRUNK):
            for name, _, _ in group:
                x = torch.relu_(self._call(name, x))
            if number in _NORMS:
                seen.append(self._call(_NORMS[number][0], x))
            x = F.max_pool2d(x, 2)
        for number, (name, *_) in enumerate(_TOP):
            x = torch.relu(self._call(name, x))
            if number % 2:
                seen.append(x)
        return seen

    def _call(self, name: str, x: Tensor) -> Tensor:
        made: Tensor = self.get_submodule(name)(x)
        return made


def detect(network: S3FD, picture: NDArray[np.uint8], least: float = 0.5) -> NDArray[np.float32]:
    """The faces in a picture: (n, 5) x0, y0, x1, y1 in its pixels, which may lie outside, and the score; best first.

    picture: (height, width, 3) BGR. least: the score that a face has to pass, in [0, 1].
    """
    height, width = picture.shape[:2]
    shrink = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    parameter = next(network.parameters())
    with torch.inference_mode():
        x = _prepared(torch.from_numpy(np.ascontiguousarray(picture)).to(parameter.device), size)
        levels = network(x.to(parameter.dtype, memory_format=torch.channels_last))  # a tenth to a fifth quicker
        found = [_decoded(conf[0], loc[0], _STRIDE << i, max(least, _FLOOR)) for i, (conf, loc) in enumerate(levels)]
        best: NDArray[np.float32] = torch.cat(found).float().cpu().numpy()
    best = best[np.argsort(-best[:, 4], kind="stable")]
    best[:, :4] *= np.array([width / size[1], height / size[0]] * 2, np.float32)
    return _distinct(best[np.isfinite(best).all(axis=1)])


def _prepared(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(h, w, 3) BGR bytes as the network's (1, 3, *size): shrunk without aliasing, padded to the least side."""
    # The mean's numbers are for blue, green, red, in this order; the published pipeline takes them from red, green,
    # blue all the same. The weights' published scores were reached with that.
    x = picture.flip(2).permute(2, 0, 1)[None].float()
    if x.shape[2:] != size:
        x = F.interpolate(x, size, mode="bilinear", antialias=True)
    x = x - x.new_tensor(_MEAN)[:, None, None]
    missing = [max(0, _LEAST_SIDE - side) for side in size]
    return F.pad(x, (0, missing[1], 0, missing[0]))


def _decoded(conf: Tensor, loc: Tensor, stride: int, least: float) -> Tensor:
    """(n, 5) boxes of one level with a score above `least`, from (2, h, w) and (4, h, w)."""
    scores = conf.softmax(dim=0)[1]
    rows, columns = torch.nonzero(scores > least, as_tuple=True)
    middles = torch.stack([columns, rows]) * stride + stride / 2
    side = _ANCHOR * stride
    said = loc[:, rows, columns]
    middles = middles + said[:2] * _CENTRE * side
    half = torch.exp(said[2:] * _SIZE) * side / 2
    return torch.cat([middles - half, middles + half, scores[None, rows, columns]]).T


def _distinct(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of boxes, best first, those that no better one overlaps.

    Worse boxes never remove better ones: it makes no difference that those below `least` have gone already.
    """
    kept = []
    while len(boxes):
        kept.append(boxes[0])
        boxes = boxes[1:][_overlaps(boxes[0], boxes[1:]) <= _OVERLAP]
    return np.array(kept, np.float32).reshape(-1, 5)


def _overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of a box with each of (n, 5) others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(box[2:4] - box[:2]) + np.prod(others[:, 2:4] - others[:, :2], axis=1) - common
    shared: NDArray[np.float32] = common / np.maximum(union, np.finfo(np.float32).tiny)
    return shared
