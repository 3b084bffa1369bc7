"""A face's 3D mesh with its picture as texture, as Wavefront OBJ (with MTL and PNG) or glTF 2.0 (one file).

898 triangles over 468 landmarks; eyes and mouth are closed. x is to the picture's right, y up, z towards the viewer, in
metres, as glTF wants it: the picture tells no size, so a face is taken to be as wide as faces are.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.errors import OutputError, UsageError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import TEMPLES
from txt2vid.faces.points import WITHOUT_IRISES
from txt2vid.faces.topology import Triangles, surface

SOLID_FILES = (".obj", ".gltf", ".glb")
FACE_WIDTH = 0.14  # metres from temple to temple (bizygomatic breadth: 0.139 of men, 0.130 of women; ANSUR, 1988)
_FLOAT, _UINT16 = 5126, 5123  # glTF's component types
_VERTICES, _INDICES = 34962, 34963  # and what a buffer view is for
_CLAMP = 33071  # a texture's edge goes on
_GENERATOR = "txt2vid mesh"

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Solid:
    """A textured mesh. vertices, normals: (468, 3). texture: (468, 2), in [0, 1] of the picture, from its upper left.
    triangles: (898, 3), anticlockwise seen from outside.
    """

    vertices: Table
    normals: Table
    texture: Table
    triangles: Triangles


def solid_of(landmarks: Landmarks, size: tuple[int, int]) -> Solid:
    """The mesh of a face in a picture of that (width, height)."""
    points = landmarks[:WITHOUT_IRISES].astype(np.float64)
    width = float(np.linalg.norm(points[TEMPLES[0]] - points[TEMPLES[1]]))
    vertices = (points - points.mean(axis=0)) * (1, -1, -1) * (FACE_WIDTH / max(width, 1e-6))
    faces = surface()[:, ::-1]  # y was turned over: the other way round
    sides = vertices[faces]
    areas = np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], areas)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)
    texture = points[:, :2] / size
    return Solid(vertices.astype(np.float32), normals.astype(np.float32), texture.astype(np.float32), faces)


def solid_files(path: Path) -> list[Path]:
    """All files that a mesh of that name is in. Raises UsageError where the extension is none of SOLID_FILES."""
    if path.suffix.lower() not in SOLID_FILES:
        raise UsageError(f"{path} has no known extension for a 3D mesh: choose one of {' '.join(SOLID_FILES)}")
    if path.suffix.lower() != ".obj":
        return [path]
    stem = re.sub(r"[^\w.-]", "_", path.stem)  # many readers stop at a space
    return [path, path.with_name(f"{stem}.mtl"), path.with_name(f"{stem}_texture.png")]


def write_solid(path: Path, landmarks: Landmarks, picture: Pixels) -> list[Path]:
    """Writes the mesh, and returns all files that it is in. Raises UsageError, OutputError."""
    solid_files(path)
    height, width = picture.shape[:2]
    solid = solid_of(landmarks, (width, height))
    image = cv2.imencode(".png", picture)[1].tobytes()
    kind = path.suffix.lower()
    if kind == ".obj":
        files = _wavefront(path, solid, image)
    else:
        files = {path: _binary(solid, image) if kind == ".glb" else _embedded(solid, image)}
    try:
        for each, data in files.items():
            each.write_bytes(data)
    except OSError as err:
        raise OutputError(f"{path} cannot be written: {err.strerror}: choose another name or folder") from err
    return list(files)


def _wavefront(path: Path, solid: Solid, image: bytes) -> Mapping[Path, bytes]:
    """OBJ, and beside it what it names."""
    _, material, texture = solid_files(path)
    lines = [f"# {_GENERATOR}: metres, y up, z towards the viewer", f"mtllib {material.name}", "o face"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in solid.vertices]
    lines += [f"vt {u:.6f} {1 - v:.6f}" for u, v in solid.texture]
    lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in solid.normals]
    lines += ["usemtl face", "s 1"]
    lines += [f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in solid.triangles + 1]
    words = f"newmtl face\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {texture.name}\n"
    return {path: ("\n".join(lines) + "\n").encode("ascii"), material: words.encode("ascii"), texture: image}


def _document(solid: Solid, image: bytes) -> tuple[dict[str, Any], bytes]:
    """The glTF document and its one buffer, in which each view begins at a multiple of four bytes."""
    tables = (
        (solid.vertices, "VEC3", _FLOAT, _VERTICES),
        (solid.normals, "VEC3", _FLOAT, _VERTICES),
        (solid.texture, "VEC2", _FLOAT, _VERTICES),
        (solid.triangles.astype("<u2").ravel(), "SCALAR", _UINT16, _INDICES),
    )
    buffer = b""
    views: list[dict[str, int]] = []
    accessors: list[dict[str, Any]] = []
    for table, kind, component, target in tables:
        data = np.ascontiguousarray(table).tobytes()
        accessor: dict[str, Any] = {
            "bufferView": len(views),
            "componentType": component,
            "count": len(table),
            "type": kind,
        }
        if table is solid.vertices:
            accessor |= {"min": table.min(axis=0).tolist(), "max": table.max(axis=0).tolist()}
        accessors.append(accessor)
        views.append({"buffer": 0, "byteOffset": len(buffer), "byteLength": len(data), "target": target})
        buffer += data + b"\0" * (-len(data) % 4)
    views.append({"buffer": 0, "byteOffset": len(buffer), "byteLength": len(image)})
    buffer += image + b"\0" * (-len(image) % 4)
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": _GENERATOR},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "face"}],
        "meshes": [{"name": "face", "primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [
            {
                "name": "face",
                "doubleSided": True,
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1},
            }
        ],
        "textures": [{"sampler": 0, "source": 0}],
        "samplers": [{"wrapS": _CLAMP, "wrapT": _CLAMP}],
        "images": [{"bufferView": 4, "mimeType": "image/png"}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(buffer)}],
    }
    return document, buffer


def _embedded(solid: Solid, image: bytes) -> bytes:
    document, buffer = _document(solid, image)
    document["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(buffer).decode()
    return json.dumps(document).encode("ascii")


def _binary(solid: Solid, image: bytes) -> bytes:
    """A GLB container (glTF 2.0, 4.4): a header, then the document and the buffer as chunks."""
    document, buffer = _document(solid, image)
    text = json.dumps(document).encode("ascii")
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(buffer), 0x004E4942) + buffer
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks
