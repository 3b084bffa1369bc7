// Which sample of a session is played now: a decision out of numbers, without clocks or elements.

export const RATE = 48000; // samples a second
const TARGET = 0.07; // seconds of motion that are to be there beyond what is shown: a frame of 25 fps, and some jitter
const MOST = 0.5; // seconds that a bad network may raise it to
const HELD = 0.03; // seconds that a picture may stand still rather than that sound breaks off, which comes earlier
const RAISE = 0.04; // seconds a time that it ran dry
const LOWER = 0.002; // seconds it sinks again with each second that goes well
const SPARE = 0.06; // seconds beyond the target that are left out while nothing is heard
const TOO_MUCH = 0.3; // seconds beyond it that are left out whatever is heard
const WINDOW = 2; // seconds whose lowest filling counts

/** Keeps a position that goes on with a clock. Give it times of one steady clock, in seconds. */
export class Playout {
  #target = TARGET;
  /** @type {{now: number, position: number} | null} */
  #anchor = null;
  #end = NaN; // of what has come, in samples
  /** @type {{now: number, ahead: number}[]} */
  #seen = [];
  #last = NaN;

  /** Whether anything has come. */
  get runs() {
    return this.#anchor !== null;
  }

  /** The sample that is played then. @param {number} now */
  at(now) {
    return this.#anchor ? this.#anchor.position + (now - this.#anchor.now) * RATE : NaN;
  }

  /** When a sample is played. @param {number} position */
  when(position) {
    return this.#anchor ? this.#anchor.now + (position - this.#anchor.position) / RATE : NaN;
  }

  /** Seconds that are there beyond what is played. @param {number} now */
  ahead(now) {
    return (this.#end - this.at(now)) / RATE;
  }

  /** Another clock counts from now on; what is played goes on. @type {(before: number, now: number) => void} */
  change(before, now) {
    if (this.#anchor) this.#anchor = { now, position: this.at(before) };
    this.#seen = [];
    this.#last = NaN;
  }

  /** Nothing of before counts: a new connection, or another time line. */
  clear() {
    this.#anchor = null;
    this.#end = NaN;
    this.#seen = [];
  }

  /**
   * Something has come.
   * @param {number} now
   * @param {number} end the sample up to which everything is there
   * @param {boolean} quiet whether nothing is heard just now, so that a leap is not heard either
   * @returns {boolean} whether the position has leapt: what was planned must be planned anew
   */
  push(now, end, quiet) {
    if (this.#anchor && Math.abs(end - this.#end) > 5 * RATE) this.clear();
    if (now > this.#last) this.#target = Math.max(TARGET, this.#target - LOWER * (now - this.#last));
    this.#last = now;
    const before = this.#anchor ? this.ahead(now) : NaN; // what was left when it came: the least since the last time
    this.#end = end;
    if (!this.#anchor) return this.#leap(now);
    if (before < (quiet ? 0 : -HELD)) {
      this.#target = Math.min(MOST, this.#target + RAISE);
      return this.#leap(now);
    }
    this.#seen.push({ now, ahead: before });
    this.#seen = this.#seen.filter((one) => now - one.now <= WINDOW);
    if (now - this.#seen[0].now < WINDOW * 0.9) return false;
    const spare = Math.min(...this.#seen.map((one) => one.ahead)) - (this.#target - 0.04);
    return spare > TOO_MUCH || (quiet && spare > SPARE) ? this.#skip(spare) : false;
  }

  /** @param {number} now */
  #leap(now) {
    this.#anchor = { now, position: this.#end - this.#target * RATE };
    this.#seen = [];
    return true;
  }

  /** @param {number} seconds */
  #skip(seconds) {
    if (this.#anchor) this.#anchor.position += Math.round(seconds * RATE);
    this.#seen = [];
    return true;
  }
}
