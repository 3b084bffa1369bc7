// Another pitch for a voice, as it comes: what was said is read faster or slower, and whole periods of it are left out or
// said twice so that it stays in time (SOLA; S. Roucos and A. M. Wilgus, 1985).

const SPLICE = 0.008; // seconds that the old place and the new one are heard together
const SHORTEST = 0.0025; // seconds of a period that is left out or repeated: 400 Hz
const LONGEST = 0.0135; // 74 Hz: any voice's lowest, or several periods of a high one
const COARSE = 4; // samples between the lengths that are tried first

class Voice extends AudioWorkletProcessor {
  #ratio;
  #ring = new Float32Array(8192); // a power of two, more than all of the times above at 96 kHz
  #written = 0; // samples
  #read = 0; // the place that is heard, in samples
  #old = NaN; // the place that was, while a splice goes on
  #fade = 0; // samples of the splice that are left
  #splice = Math.round(SPLICE * sampleRate);
  #shortest = Math.round(SHORTEST * sampleRate);
  #longest = Math.round(LONGEST * sampleRate);

  /** @param {{processorOptions: {semitones: number}}} options */
  constructor(options) {
    super();
    this.#ratio = 2 ** (options.processorOptions.semitones / 12);
    this.#read = -this.#nearest - this.#longest;
  }

  /** Samples that the place must be behind the newest one: a splice reads ahead of it. */
  get #nearest() {
    return Math.ceil(this.#splice * Math.max(1, this.#ratio)) + 2;
  }

  /**
   * @param {Float32Array[][]} inputs
   * @param {Float32Array[][]} outputs
   */
  process([input], [output]) {
    const heard = input[0];
    const said = output[0];
    for (let at = 0; at < said.length; at++) {
      this.#ring[this.#written++ & (this.#ring.length - 1)] = heard ? heard[at] : 0;
      if (this.#fade === 0) this.#keepUp();
      said[at] = this.#next();
    }
    for (const other of output.slice(1)) other.set(said);
    return true;
  }

  #next() {
    let sample = this.#at(this.#read);
    this.#read += this.#ratio;
    if (this.#fade > 0) {
      const gone = 0.5 + 0.5 * Math.cos(Math.PI * (this.#fade / this.#splice)); // of the splice
      sample = gone * sample + (1 - gone) * this.#at(this.#old);
      this.#old += this.#ratio;
      this.#fade -= 1;
    }
    return sample;
  }

  /** Goes back by a period before there is nothing more to read, or on before it is too late. */
  #keepUp() {
    const behind = this.#written - this.#read;
    if (this.#ratio > 1 && behind < this.#nearest) this.#jump(-1);
    else if (this.#ratio < 1 && behind > this.#nearest + this.#longest) this.#jump(1);
  }

  /** @param {number} way 1: on, -1: back */
  #jump(way) {
    this.#old = this.#read;
    this.#read += way * this.#period(way);
    this.#fade = this.#splice;
  }

  /**
   * @param {number} way
   * @returns {number} samples after which the sound is most like itself
   */
  #period(way) {
    let best = this.#longest;
    let most = -Infinity;
    const look = (/** @type {number} */ length) => {
      const like = this.#likeness(this.#read, this.#read + way * length);
      if (like > most) [most, best] = [like, length];
    };
    for (let length = this.#shortest; length <= this.#longest; length += COARSE) look(length);
    for (let near = best - COARSE + 1, last = best + COARSE; near < last; near++) look(near);
    return best;
  }

  /**
   * @param {number} one place
   * @param {number} other
   * @returns {number} correlation of what follows both, -1 to 1
   */
  #likeness(one, other) {
    let product = 0;
    let left = 1e-9;
    let right = 1e-9;
    for (let at = 0; at < this.#splice; at += 2) {
      const a = this.#ring[Math.floor(one + at) & (this.#ring.length - 1)];
      const b = this.#ring[Math.floor(other + at) & (this.#ring.length - 1)];
      product += a * b;
      left += a * a;
      right += b * b;
    }
    return product / Math.sqrt(left * right);
  }

  /** @param {number} place between two samples */
  #at(place) {
    const whole = Math.floor(place);
    const part = place - whole;
    const mask = this.#ring.length - 1;
    return (1 - part) * this.#ring[whole & mask] + part * this.#ring[(whole + 1) & mask];
  }
}

registerProcessor("voice", Voice);
