"""In which order the frames of a driving video are shown, however long the speech is."""

from __future__ import annotations


def there_and_back(index: int, count: int) -> int:
    """The frame to show at step `index` of a clip of `count` frames that runs forward, then backward, and so on.

    Neighbouring steps are neighbouring frames, and neither end is shown twice: 0 1 2 1 0 1 … for three.
    Raises ValueError where there is no frame.
    """
    if count < 1:
        raise ValueError("there is no frame to show")
    period = max(1, 2 * (count - 1))
    step = index % period
    return min(step, period - step)
