// What is measured: faces, pictures a second, and the time from a picture's capture until its mesh is on the screen.

import { element, setText } from "./page.js";

/** @typedef {import("./mesh-wire.js").Seen} Seen */

const WINDOW = 3000; // milliseconds that are counted
const SENSIBLE = 10000; // milliseconds that a round trip may take; more is a clock that was set meanwhile

/** The row of numbers. */
export class Numbers {
  /** @type {{at: number, trip: number, spent: number}[]} */
  #drawn = [];
  #faces = 0;

  /** Nothing was measured yet. */
  forget() {
    this.#drawn = [];
    this.show();
  }

  /** @param {Seen} seen that is on the screen now */
  drawn(seen) {
    const at = performance.now();
    const trip = performance.timeOrigin + at - seen.captured;
    this.#drawn.push({ at, trip: trip > 0 && trip < SENSIBLE ? trip : NaN, spent: seen.spent });
    this.#faces = seen.faces.length;
  }

  /** What was measured: pictures a second, the median and the 95th percentile of the round trip, milliseconds. */
  get now() {
    const since = performance.now() - WINDOW;
    this.#drawn = this.#drawn.filter(({ at }) => at > since);
    const trips = this.#drawn.map(({ trip }) => trip).filter((trip) => !isNaN(trip));
    const first = this.#drawn[0]?.at ?? NaN;
    const last = this.#drawn.at(-1)?.at ?? NaN;
    return {
      faces: this.#drawn.length ? this.#faces : NaN,
      fps: this.#drawn.length > 1 ? ((this.#drawn.length - 1) * 1000) / (last - first) : NaN,
      trip: share(trips, 0.5),
      late: share(trips, 0.95),
      spent: share(this.#drawn.map(({ spent }) => spent), 0.5),
    };
  }

  show() {
    const { faces, fps, trip, late, spent } = this.now;
    setText(element("faces-seen"), said(faces, 0, ""));
    setText(element("fps"), said(fps, 0, ""));
    setText(element("trip"), said(trip, 0, " ms"));
    element("trip").title = isNaN(late) ? "" : `95 of 100 within ${Math.round(late)} ms`;
    setText(element("spent"), said(spent, 0, " ms"));
  }
}

/** @type {(value: number, digits: number, unit: string) => string} */
const said = (value, digits, unit) => (isNaN(value) ? "–" : value.toFixed(digits) + unit);

/** @type {(values: number[], part: number) => number} */
function share(values, part) {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
