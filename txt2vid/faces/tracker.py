"""MediaPipe's face networks, one call each: the only module that imports mediapipe.

The networks are BlazeFace (Bazarevsky et al. 2019, short and full range), the attention mesh (Grishchenko et al. 2020)
and MediaPipe's selfie segmentation, all inside the 0.10.21 wheel. They run here without MediaPipe's own detection and
tracking logic: a crop goes in, landmarks and a score come out, whatever the score is. What to crop and whom to believe
is decided in `search` and `video`.

Only the C++ bindings are loaded: `import mediapipe` itself would pull in matplotlib and more (1 s, 100 MB).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.errors import DependencyError
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.interrupts import apart

MESH_SIDE = 192  # pixels: what the attention mesh was trained at
SEGMENTATION_SIDE = 256

_MESH = """
input_stream: "image" input_stream: "roi" input_side_packet: "attention"
output_stream: "landmarks"
node { calculator: "FaceLandmarkCpu" input_stream: "IMAGE:image" input_stream: "ROI:roi"
       input_side_packet: "WITH_ATTENTION:attention" output_stream: "LANDMARKS:landmarks" }
"""
_DETECTOR = """
input_stream: "image" output_stream: "detections"
node { calculator: "FaceDetection%sRangeCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""
_SEGMENTER = """
input_stream: "image" input_side_packet: "model" output_stream: "mask"
node { calculator: "SelfieSegmentationCpu" input_stream: "IMAGE:image" input_side_packet: "MODEL_SELECTION:model"
       output_stream: "SEGMENTATION_MASK:mask" }
"""
_OPTIONS = (  # protobufs of the settings in the opened graphs: text_format knows what has been imported
    "core.constant_side_packet_calculator",
    "core.gate_calculator",
    "core.split_vector_calculator",
    "tensor.image_to_tensor_calculator",
    "tensor.inference_calculator",
    "tensor.tensors_to_detections_calculator",
    "tensor.tensors_to_floats_calculator",
    "tensor.tensors_to_landmarks_calculator",
    "tflite.ssd_anchors_calculator",
    "util.landmarks_refinement_calculator",
    "util.non_max_suppression_calculator",
    "util.thresholding_calculator",
)
_SCORE = "facelandmarkcpu__face_presence_score"  # the expanded graph's name for the mesh's own face probability
MIN_DETECTION = 0.1  # lowest score that a detector reports; callers ask for more
# A landmark in a serialised NormalizedLandmarkList: tag and length, then x, y and z as floats, each after its tag.
_LANDMARK = np.dtype([("", "V3"), ("x", "<f4"), ("", "V1"), ("y", "<f4"), ("", "V1"), ("z", "<f4")])

_stderr_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as BlazeFace sees it, in pixels of the picture that was given.

    box: x, y, width, height.
    points: (6, 2): the subject's right eye, left eye, nose tip, mouth, right ear, left ear.
    score: in [0, 1].
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    score: float


def _quietly(start: Callable[[], _Graph]) -> _Graph:
    """What `start` returns, while all that is written to stderr is dropped.

    What MediaPipe's C++ logs until a network has run once ("Created TensorFlow Lite XNNPACK delegate") helps nobody
    here. Apart, because stderr must come back, whatever interrupts.
    """
    return apart(lambda: _without_stderr(start))


def _without_stderr(start: Callable[[], _Graph]) -> _Graph:
    with _stderr_lock:
        sys.stderr.flush()
        saved = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            return start()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)


@cache
def _bindings() -> types.SimpleNamespace:
    """MediaPipe's C++ graph bindings and protobufs, without the package's own `__init__`, which imports the world."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError("finding faces needs mediapipe 0.10.21: pip install 'txt2vid[serve]'")
    root = Path(spec.submodule_search_locations[0])
    if "mediapipe" not in sys.modules:
        package = types.ModuleType("mediapipe")
        package.__path__ = [str(root)]
        package.__spec__ = spec
        sys.modules["mediapipe"] = package
    try:
        return _load(root)
    except ImportError as err:
        raise DependencyError(f"mediapipe cannot be loaded ({err}): pip install mediapipe==0.10.21") from err


def _load(root: Path) -> types.SimpleNamespace:
    from google.protobuf import text_format
    from mediapipe.framework import calculator_pb2
    from mediapipe.framework.formats import detection_pb2, landmark_pb2, rect_pb2
    from mediapipe.python import packet_creator, packet_getter
    from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util
    from mediapipe.python._framework_bindings import validated_graph_config as validated

    for name in _OPTIONS:
        importlib.import_module(f"mediapipe.calculators.{name}_pb2")
    importlib.import_module("mediapipe.framework.tool.switch_container_pb2")
    resource_util.set_resource_dir(str(root.parent))
    return types.SimpleNamespace(
        config=calculator_pb2.CalculatorGraphConfig,
        graph=calculator_graph.CalculatorGraph,
        validated=validated.ValidatedGraphConfig,
        parse=text_format.Parse,
        create=packet_creator,
        get=packet_getter,
        serialized=packet_getter._packet_getter._get_serialized_proto,
        rgb=image_frame.ImageFormat.SRGB,
        rect=rect_pb2.NormalizedRect,
        detection=detection_pb2.Detection,
        landmarks=landmark_pb2.NormalizedLandmarkList,
    )


class _Graph:
    """One MediaPipe graph that turns one RGB picture into its outputs, synchronously."""

    def __init__(self, config: Any, outputs: tuple[str, ...], side: dict[str, Any]) -> None:
        self._mp = _bindings()
        self._time = 0
        self._outputs: dict[str, Any] = {}
        self._lock = threading.Lock()
        if not config.executor:
            config.executor.add()
        config.executor[0].type = "ApplicationThreadExecutor"  # nodes follow one another: threads only add hand-overs
        self._graph = self._mp.graph(graph_config=config)
        for name in outputs:
            self._graph.observe_output_stream(name, self._outputs.__setitem__, True)
        self._graph.start_run(side)

    def run(self, picture: Pixels, **streams: Any) -> dict[str, Any]:
        """The packets that the graph makes of one BGR picture."""
        with self._lock:
            self._outputs.clear()
            self._time += 1
            rgb = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2RGB)
            image = self._mp.create.create_image_frame(image_format=self._mp.rgb, data=rgb)
            for name, packet in {"image": image, **streams}.items():
                self._graph.add_packet_to_input_stream(name, packet.at(self._time))
            self._graph.wait_until_idle()
            return {name: packet for name, packet in self._outputs.items() if not packet.is_empty()}


def _blank(side: int) -> Pixels:
    """A first picture for a network, whatever comes of it."""
    return np.zeros((side, side, 3), np.uint8)


def _expanded(text: str) -> Any:
    """The graph with its subgraphs opened, so that their settings can be changed and inner streams be watched."""
    mp = _bindings()
    valid = mp.validated()
    valid.initialize(graph_config=mp.parse(text, mp.config()))
    return valid


class Mesh:
    """The attention mesh: 478 landmarks of the face that fills a square crop."""

    def __init__(self) -> None:
        mp = _bindings()
        self._whole = mp.create.create_proto(mp.rect(x_center=0.5, y_center=0.5, width=1, height=1))
        self._get, self._serialized = mp.get, mp.serialized
        self._graph = _quietly(self._start)

    def _start(self) -> _Graph:
        mp = _bindings()
        opened = _expanded(_MESH).text_config.replace("threshold: 0.5", "threshold: -1")
        config = mp.parse(opened, mp.config())
        config.output_stream.append(_SCORE)
        graph = _Graph(config, ("landmarks", _SCORE), {"attention": mp.create.create_bool(True)})
        graph.run(_blank(MESH_SIDE), roi=self._whole)
        return graph

    def __call__(self, crop: Pixels) -> tuple[Landmarks, float]:
        """Landmarks in pixels of the crop, and the network's own probability that it holds a face.

        crop: (side, side, 3) BGR, the face upright in its middle, about 2/3 of the side tall.
        """
        out = self._graph.run(crop, roi=self._whole)
        points = np.frombuffer(self._serialized(out["landmarks"]), _LANDMARK)  # parsed by protobuf: half a millisecond
        array = np.empty((LANDMARKS, 3), np.float32)
        for axis, name in enumerate("xyz"):
            np.multiply(points[name], np.float32(crop.shape[1]), out=array[:, axis])
        return array, float(self._get.get_float(out[_SCORE]))


class Detector:
    """BlazeFace: where faces are. The short range sees faces over 1/5 of the side, the full range smaller ones."""

    def __init__(self, *, full_range: bool = False) -> None:
        self.side = 192 if full_range else 128
        self._full_range = full_range
        self._get = _bindings().get
        self._graph = _quietly(self._start)

    def _start(self) -> _Graph:
        mp = _bindings()
        threshold = "min_score_thresh: 0.6" if self._full_range else "min_score_thresh: 0.5"
        text = _expanded(_DETECTOR % ("Full" if self._full_range else "Short")).text_config
        text = text.replace(threshold, f"min_score_thresh: {MIN_DETECTION}")
        graph = _Graph(mp.parse(text, mp.config()), ("detections",), {})
        graph.run(_blank(self.side))
        return graph

    def __call__(self, picture: Pixels) -> list[Detection]:
        """All faces that the network scores above 0.1, best first. Any size is scaled to `side`."""
        out = self._graph.run(picture)
        if "detections" not in out:
            return []
        found = [_detection(d, picture.shape) for d in self._get.get_proto_list(out["detections"])]
        return sorted(found, key=lambda d: -d.score)


def _detection(proto: Any, shape: tuple[int, ...]) -> Detection:
    height, width = shape[:2]
    box = proto.location_data.relative_bounding_box
    points = np.array([(p.x * width, p.y * height) for p in proto.location_data.relative_keypoints], np.float32)
    rect = (box.xmin * width, box.ymin * height, box.width * width, box.height * height)
    return Detection(rect, points, float(proto.score[0]))


class Segmenter:
    """MediaPipe's selfie segmentation (general model): how likely each pixel belongs to a person."""

    def __init__(self) -> None:
        self._get = _bindings().get
        self._graph = _quietly(self._start)

    def _start(self) -> _Graph:
        mp = _bindings()
        config = mp.parse(_SEGMENTER, mp.config())
        graph = _Graph(config, ("mask",), {"model": mp.create.create_int(0)})
        graph.run(_blank(SEGMENTATION_SIDE))
        return graph

    def __call__(self, picture: Pixels) -> NDArray[np.float32]:
        """(height, width) of the picture, in [0, 1]; the network sees it at 256x256."""
        out = self._graph.run(picture)
        mask = np.array(self._get.get_image_frame(out["mask"]).numpy_view(), np.float32)
        return mask.reshape(picture.shape[:2])


@cache
def mesh() -> Mesh:
    """The process's one attention mesh (its calls are serialised)."""
    return Mesh()


@cache
def detector(full_range: bool) -> Detector:
    """The process's one detector of each range."""
    return Detector(full_range=full_range)


@cache
def segmenter() -> Segmenter:
    """The process's one person segmenter."""
    return Segmenter()
