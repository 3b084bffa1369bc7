// Hands the microphone's samples to the page in blocks, from the browser's audio thread.

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(0);
  #filled = 0;

  /** @param {{processorOptions: {block: number}}} options block: samples that are handed over at once */
  constructor(options) {
    super();
    this.#block = new Float32Array(options.processorOptions.block);
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    const samples = channels[0] ?? new Float32Array(128); // nothing is connected: silence goes on
    for (let from = 0; from < samples.length; ) {
      const part = samples.subarray(from, from + this.#block.length - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === this.#block.length) this.#hand();
    }
    return true;
  }

  #hand() {
    const full = this.#block;
    this.#block = new Float32Array(full.length);
    this.#filled = 0;
    this.port.postMessage(full, [full.buffer]);
  }
}

registerProcessor("capture", Capture);
