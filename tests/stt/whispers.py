"""A network of Whisper's shape, with seeded random weights, in the layout that faster-whisper reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEADS, LAYERS, MELS, FRAMES, POSITIONS = 64, 2, 2, 80, 1500, 448
SPECIAL = ["endoftext", "startoftranscript", "en", "translate", "transcribe", "startoflm", "startofprev", "nospeech"]
SPECIAL = [f"<|{word}|>" for word in (*SPECIAL, "notimestamps")]
TIMES = [f"<|{index * 0.02:.2f}|>" for index in range(1501)]


def write(folder: Path) -> None:
    """A folder as ct2-transformers-converter writes it; the vocabulary is the bytes."""
    from ctranslate2.specs.whisper_spec import WhisperSpec

    words = _tokenizer(folder / "tokenizer.json")
    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    rng = np.random.default_rng(0)
    _convolution(spec.encoder.conv1, rng, MELS)
    _convolution(spec.encoder.conv2, rng, WIDTH)
    spec.encoder.position_encodings.encodings = _random(rng, FRAMES, WIDTH)
    spec.decoder.position_encodings.encodings = _random(rng, POSITIONS, WIDTH)
    spec.decoder.embeddings.weight = _random(rng, len(words), WIDTH)
    spec.decoder.projection.weight = _random(rng, len(words), WIDTH)
    for side in (spec.encoder, spec.decoder):
        _norm(side.layer_norm)
        for layer in side.layer:
            _attention(layer.self_attention, rng, 3)
            if side is spec.decoder:
                _attention(layer.attention, rng, 1)
            _norm(layer.ffn.layer_norm)
            _linear(layer.ffn.linear_0, rng, 4 * WIDTH, WIDTH)
            _linear(layer.ffn.linear_1, rng, WIDTH, 4 * WIDTH)
    spec.config.suppress_ids = spec.config.suppress_ids_begin = spec.config.lang_ids = []
    spec.config.alignment_heads = [(1, 0)]
    spec.register_vocabulary(words)
    spec.validate()
    spec.save(str(folder))


def _tokenizer(path: Path) -> list[str]:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in (*SPECIAL, *TIMES)])
    tokenizer.save(str(path))
    known: dict[str, int] = tokenizer.get_vocab()
    return sorted(known, key=known.__getitem__)


def _random(rng: np.random.Generator, *shape: int) -> Any:
    return (0.1 * rng.standard_normal(shape)).astype(np.float32)


def _linear(spec: Any, rng: np.random.Generator, outputs: int, inputs: int) -> None:
    spec.weight, spec.bias = _random(rng, outputs, inputs), np.zeros(outputs, np.float32)


def _convolution(spec: Any, rng: np.random.Generator, inputs: int) -> None:
    spec.weight, spec.bias = _random(rng, WIDTH, inputs, 3), np.zeros(WIDTH, np.float32)


def _norm(spec: Any) -> None:
    spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _attention(spec: Any, rng: np.random.Generator, fused: int) -> None:
    _norm(spec.layer_norm)
    _linear(spec.linear[0], rng, fused * WIDTH, WIDTH)
    if fused == 1:
        _linear(spec.linear[1], rng, 2 * WIDTH, WIDTH)
    _linear(spec.linear[-1], rng, WIDTH, WIDTH)
