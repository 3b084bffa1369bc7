// Sound at another rate: a windowed sinc, so that what the lower rate cannot hold does not come back as noise.

const HALF = 16; // zero crossings on each side of the filter

/** Goes from one rate to another, block after block. */
export class Resampler {
  #step;
  #cutoff;
  #reach;
  /** @type {Float32Array} */
  #held;
  #at; // of the next sample, in #held

  /**
   * @param {number} from samples a second
   * @param {number} to samples a second
   */
  constructor(from, to) {
    this.#step = from / to;
    this.#cutoff = Math.min(1, to / from) * 0.92;
    this.#reach = Math.ceil(HALF / this.#cutoff);
    this.#held = new Float32Array(this.#reach); // silence before the first sample
    this.#at = this.#reach;
  }

  /**
   * @param {Float32Array} block
   * @returns {Float32Array} what is known now
   */
  push(block) {
    const held = new Float32Array(this.#held.length + block.length);
    held.set(this.#held);
    held.set(block, this.#held.length);
    const made = [];
    for (; this.#at + this.#reach < held.length; this.#at += this.#step) made.push(this.#sample(held));
    const past = Math.max(0, Math.floor(this.#at) - this.#reach);
    this.#held = held.slice(past);
    this.#at -= past;
    return Float32Array.from(made);
  }

  /** @param {Float32Array} held */
  #sample(held) {
    const centre = Math.floor(this.#at);
    let sum = 0;
    for (let i = centre - this.#reach + 1; i <= centre + this.#reach; i++) {
      const x = i - this.#at;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (this.#reach + 1));
      sum += (held[i] ?? 0) * this.#cutoff * sinc(this.#cutoff * x) * window;
    }
    return sum;
  }
}

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
