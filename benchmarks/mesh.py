"""How fast faces are followed: the numbers of docs/benchmarks.md.

    python benchmarks/mesh.py [--repeats N] [--frames N] [VIDEO]

The video (that of sample_data unless another is named) is decoded to 640x480 beforehand; what is measured is
`FaceTracker.track` in one thread, in faces a second of processor time, and what of that the network itself takes. The
last rows are MediaPipe's own FaceMesh on the same frames. Prints a table: median of the repeats, with the smallest and
the largest;
the rows take turns, so that a machine that is busy for a while is so for all. Run it when nothing else runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import click

from txt2vid.core.media import Pixels
from txt2vid.core.options import TrackingOptions
from txt2vid.faces import tracker
from txt2vid.faces.crop import view_of
from txt2vid.faces.many import FaceTracker
from txt2vid.ffmpeg.decode import VideoReader

ROOT = Path(__file__).parents[1]
SIZE = (640, 480)


def frames_of(path: Path, count: int) -> list[Pixels]:
    """So many frames; a short video is played there and back."""
    with VideoReader(path, SIZE) as reader:
        frames = [frame.pixels for frame, _ in zip(reader, range(count), strict=False)]
    there_and_back = [*frames, *frames[-2:0:-1]]
    return [there_and_back[i % len(there_and_back)] for i in range(count)]


def rate(work: Callable[[], int], clock: Callable[[], float]) -> float:
    """Faces a second of what returns how many there were."""
    since = clock()
    faces = work()
    return faces / (clock() - since)


def tracked(frames: list[Pixels], faces: int) -> int:
    """How many faces were tracked."""
    follower = FaceTracker(TrackingOptions(max_faces=faces))
    return sum(len(follower.track(frame)) for frame in frames)


def network_alone(frames: list[Pixels]) -> Callable[[], int]:
    """The mesh's graph on crops that were made before."""
    follower = FaceTracker()
    crops: list[Pixels] = []
    for frame in frames:
        faces = follower.track(frame)
        crops += [view_of(face.landmarks).draw(frame, tracker.MESH_SIDE) for face in faces]
    mesh = tracker.mesh()

    def run() -> int:
        for crop in crops:
            mesh(crop)
        return len(crops)

    return run


def mediapipe_itself(frames: list[Pixels], faces: int) -> Callable[[], int]:
    """How many faces MediaPipe's own solution tracks, with its landmarks as Python numbers; it is loaded beforehand."""
    import cv2
    from mediapipe.python.solutions.face_mesh import FaceMesh

    solution = FaceMesh(max_num_faces=faces, refine_landmarks=True)
    solution.process(frames[0])

    def run() -> int:
        found = 0
        for frame in frames:
            result = solution.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).multi_face_landmarks or ()
            found += len([[(p.x, p.y, p.z) for p in face.landmark] for face in result])
        return found

    return run


@click.command()
@click.argument("video", type=click.Path(path_type=Path), default=ROOT / "sample_data" / "driving.mp4")
@click.option("--repeats", default=7)
@click.option("--frames", "count", default=200)
def main(video: Path, repeats: int, count: int) -> None:
    """Prints the table."""
    frames = frames_of(video, count)
    network = network_alone(frames)
    rows: dict[str, Callable[[], int]] = {
        "txt2vid, one face asked for": lambda: tracked(frames, 1),
        "txt2vid, five asked for": lambda: tracked(frames, 5),
        "the network alone, on crops": network,
        "MediaPipe's FaceMesh, one asked for": mediapipe_itself(frames, 1),
        "MediaPipe's FaceMesh, five asked for": mediapipe_itself(frames, 5),
    }
    clocks = {"processor time": time.process_time, "wall clock": time.perf_counter}
    measured: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        for name, work in rows.items():
            for clock, now in clocks.items():
                measured.setdefault((name, clock), []).append(rate(work, now))
    print("| 640×480, faces a second | clock | median | least to most |\n|---|---|---|---|")
    for (name, clock), rates in measured.items():
        print(f"| {name} | {clock} | {statistics.median(rates):.0f} | {min(rates):.0f} to {max(rates):.0f} |")


if __name__ == "__main__":
    main()
