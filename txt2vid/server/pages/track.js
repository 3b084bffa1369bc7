// What is said and when, and what of it is on the screen at a moment: decisions, without clocks or elements.

/**
 * @typedef {{start: number, stop: number, words: [number, string][]}} Caption  in seconds of the stream's time stamps;
 *   a word is its start and its text with the space behind it
 * @typedef {{caption: Caption, said: number}} Shown  said: how many of its words have begun
 */

const HOLD = 1; // seconds that a caption stays after its last word, where no other comes: reading ends later than hearing
const LEAST = 0.5; // seconds that one is seen, unless it is cut off
const MOST = 32; // captions that are kept: more than can be said while a viewer is behind

/** The captions of one session. */
export class Track {
  /** @type {{caption: Caption, until: number}[]} */
  #captions = []; // at most MOST, by their starts

  /** Forgets all. */
  clear() {
    this.#captions = [];
  }

  /** @param {Caption} caption what is not over when it begins ends there */
  add(caption) {
    const until = Math.max(caption.stop + HOLD, caption.start + LEAST);
    this.#captions = this.#captions.filter((old) => old.caption.start < caption.start);
    this.#captions.push({ caption, until });
    this.#captions = this.#captions.slice(-MOST);
  }

  /** @param {number} time from which on nothing is said that was added before */
  cut(time) {
    this.#captions = this.#captions.filter((old) => old.caption.start < time);
    for (const old of this.#captions) old.until = Math.min(old.until, time);
  }

  /**
   * @param {number} time
   * @returns {Shown | null}
   */
  at(time) {
    const now = this.#captions.findLast((one) => one.caption.start <= time);
    if (!now || time >= now.until) return null;
    return { caption: now.caption, said: now.caption.words.filter(([start]) => start <= time).length };
  }
}

/**
 * @param {unknown} body
 * @returns {Caption | null} null where it is none
 */
export function captionOf(body) {
  const { start, stop, words } = /** @type {Record<string, unknown>} */ (body ?? {});
  const timed = (/** @type {unknown} */ word) => Array.isArray(word) && Number.isFinite(word[0]) && typeof word[1] === "string";
  if (!Number.isFinite(start) || !Number.isFinite(stop) || !Array.isArray(words) || !words.every(timed)) return null;
  return /** @type {Caption} */ ({ start, stop, words });
}
