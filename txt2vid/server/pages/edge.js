// How close to the newest picture the player stays: a decision out of numbers, without clocks or elements.

/**
 * @typedef {{time: number, start: number, end: number, now: number}} Position
 *   time: what is shown; start, end: the newest buffered range; all in seconds. now: milliseconds of any steady clock.
 * @typedef {{seek: number | null, rate: number}} Move
 */

export const TARGET = 0.11; // seconds that are to stay buffered at the least: below 0.09 Chromium's sound runs dry
const MOST = 0.6; // seconds that a bad network may raise it to
const RAISE = 0.05; // seconds a time that the buffer ran dry
const LOWER = 0.0002; // seconds it sinks again with each second that goes well: a network is not tried every minute
const BAND = 0.03; // seconds above the target at which catching up begins; it ends at the target
const JUMP = 1; // seconds behind which playing faster would take too long
const FASTEST = 0.05; // playbackRate - 1: less than a semitone, as pitch follows the rate
const WINDOW = 1000; // milliseconds of which the lowest filling counts: fragments come in steps

/** Decides of seeks and rates. */
export class Edge {
  #target = TARGET;
  #catching = false;
  #last = NaN;
  /** @type {{now: number, ahead: number}[]} */
  #seen = []; // at most WINDOW milliseconds of ticks

  /** Seconds that are to stay buffered. */
  get target() {
    return this.#target;
  }

  /** The buffer ran dry: keep more of it. */
  dry() {
    this.#target = Math.min(MOST, this.#target + RAISE);
    this.forget();
  }

  /** What was seen before says nothing of what comes: after a seek, or a new connection. */
  forget() {
    this.#seen = [];
    this.#catching = false;
  }

  /**
   * @param {Position} position
   * @returns {Move}
   */
  decide({ time, start, end, now }) {
    if (now > this.#last) this.#target = Math.max(TARGET, this.#target - (LOWER * (now - this.#last)) / 1000);
    this.#last = now;
    const ahead = end - time;
    if (ahead > JUMP + this.#target || time < start || ahead < -JUMP) {
      this.forget();
      return { seek: Math.max(start, end - this.#target), rate: 1 };
    }
    this.#seen.push({ now, ahead });
    this.#seen = this.#seen.filter((seen) => now - seen.now <= WINDOW);
    const spare = Math.min(...this.#seen.map((seen) => seen.ahead)) - this.#target;
    if (spare > BAND) this.#catching = true;
    if (spare <= 0) this.#catching = false;
    return { seek: null, rate: this.#catching ? 1 + rounded(Math.min(FASTEST, Math.max(0.02, spare / 4))) : 1 };
  }
}

/**
 * Whole hundredths, as each change of the rate costs the browser some work.
 * @param {number} value
 * @returns {number}
 */
function rounded(value) {
  return Math.round(value * 100) / 100;
}
