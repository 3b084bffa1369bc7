"""Voices of piper's, made here: the smallest model that takes what piper gives, and answers with a tone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HOP, RATE = 256, 16_000
FRAMES = 8  # of HOP samples that each phoneme lasts


def config(**changes: Any) -> dict[str, Any]:
    """What stands beside a model, as piper's training writes it."""
    symbols = ["_", "^", "$", " ", ".", ",", "ˈ", "ˌ", "ː", *"abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒθ"]
    whole = {
        "audio": {"sample_rate": RATE, "quality": "x_low"},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US", "family": "en"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(symbols)},
        "hop_length": HOP,
    }
    return {**whole, **changes}


def make(path: Path, *, alignments: bool = False, speakers: int = 1, settings: Any = None) -> Path:
    """Writes path and path.json: each id of a phoneme becomes FRAMES * HOP samples of a tone."""
    import onnx
    from onnx import TensorProto, helper

    length = FRAMES * HOP
    wave = (0.5 * np.sin(2 * np.pi * 250 * np.arange(length) / RATE)).astype(np.float32)
    constants = [
        helper.make_tensor("wave", TensorProto.FLOAT, [1, 1, length], wave.tobytes(), raw=True),
        helper.make_tensor("shape", TensorProto.INT64, [3], [1, -1, 1]),
        helper.make_tensor("flat", TensorProto.INT64, [4], [1, 1, 1, -1]),
        helper.make_tensor("frames", TensorProto.FLOAT, [], [float(FRAMES)]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
    ]
    nodes = [
        helper.make_node("Cast", ["input"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["ones"]),
        helper.make_node("Reshape", ["ones", "shape"], ["column"]),
        helper.make_node("Mul", ["column", "wave"], ["waves"]),
        helper.make_node("Reshape", ["waves", "flat"], ["output"]),
        helper.make_node("Mul", ["ones", "frames"], ["durations"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)]
    if alignments:
        outputs.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, None))
    graph = helper.make_graph(nodes, "voice", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.save(model, str(path))
    names = {f"s{number}": number for number in range(speakers)} if speakers > 1 else {}
    written = config(num_speakers=speakers, speaker_id_map=names) if settings is None else settings
    path.with_name(path.name + ".json").write_text(json.dumps(written))
    return path
