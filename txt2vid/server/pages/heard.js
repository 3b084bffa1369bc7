// Opus packets as sound, each played at its own sample of a session.

import { Playout, RATE } from "./playout.js";

const KEPT = 2; // seconds of sound that may wait to be played; more is a mistake, and the oldest goes
const QUIET = 0.004; // the loudest of a packet in which nothing is heard
const OPUS = { codec: "opus", sampleRate: RATE, numberOfChannels: 1 };
const SLOWEST = 0.25; // seconds that a browser may say its sound takes to be heard; more is not believed

/** @typedef {{position: number, buffer: AudioBuffer, source: AudioBufferSourceNode | null}} Piece */

/** Whether this browser decodes Opus: pages that nobody between could have changed are allowed to. */
export async function decodesOpus() {
  if (!("AudioDecoder" in globalThis)) return false;
  return AudioDecoder.isConfigSupported(OPUS).then(({ supported }) => supported === true, () => false);
}

/** The sound of one session. Its clock is that of the sound while there is any, else the machine's. */
export class Heard {
  playout = new Playout();
  #context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  #gain;
  /** @type {AudioDecoder | null} */
  #decoder = null;
  /** @type {Piece[]} */
  #pieces = [];
  #newest = -1; // the last position that was taken
  #loud = 0; // the loudest of the last packet
  #sounds = false; // whether the context's clock counts

  constructor() {
    this.#gain = new GainNode(this.#context, { gain: 0 });
    this.#gain.connect(this.#context.destination);
    this.#context.addEventListener("statechange", () => this.#changeClock());
    this.#changeClock();
  }

  /** Seconds of the clock that counts. */
  get now() {
    return this.#sounds ? this.#context.currentTime : performance.now() / 1000;
  }

  /** The sample that is heard now. */
  get position() {
    const late = this.#sounds ? Math.min(SLOWEST, this.#context.outputLatency || this.#context.baseLatency || 0) : 0;
    return this.playout.at(this.now - late);
  }

  /** Whether the browser lets it be heard. */
  get allowed() {
    return this.#context.state === "running";
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.#gain.gain.value = volume;
    if (volume > 0 && this.#context.state === "suspended") void this.#context.resume();
  }

  /** To be called in a click's handler. */
  allow() {
    return this.#context.resume();
  }

  /**
   * What has come in one message.
   * @param {import("./meshwire.js").Sound[]} sounds
   * @param {number} end up to where everything is there
   */
  push(sounds, end) {
    if (this.playout.push(this.now, end, this.#loud < QUIET)) this.#plan();
    for (const { position, data } of sounds) {
      if (position <= this.#newest) continue; // an encoder that began anew repeats some
      if (position - this.#newest > RATE) this.#restart();
      this.#newest = position;
      const timestamp = Math.round((position * 1e6) / RATE);
      this.#codec().decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    }
  }

  /** Nothing of before counts: a new connection. */
  clear() {
    this.playout.clear();
    this.#restart();
    this.#newest = -1;
  }

  close() {
    this.#restart();
    void this.#context.close();
  }

  #changeClock() {
    const sounds = this.#context.state === "running";
    if (sounds === this.#sounds) return;
    const before = this.now;
    this.#sounds = sounds;
    this.playout.change(before, this.now);
    this.#plan();
  }

  #restart() {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    for (const { source } of this.#pieces) source?.stop();
    this.#pieces = [];
  }

  #codec() {
    if (this.#decoder && this.#decoder.state !== "closed") return this.#decoder;
    this.#decoder = new AudioDecoder({ output: (sound) => this.#decoded(sound), error: () => {} }); // the next packet begins anew
    this.#decoder.configure(OPUS);
    return this.#decoder;
  }

  /** @param {AudioData} sound */
  #decoded(sound) {
    const samples = new Float32Array(sound.numberOfFrames);
    sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    const position = Math.round((sound.timestamp * RATE) / 1e6);
    sound.close();
    if (!samples.length) return;
    this.#loud = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE });
    buffer.copyToChannel(samples, 0);
    /** @type {Piece} */
    const piece = { position, buffer, source: null };
    const over = this.position - RATE / 4;
    this.#pieces = [...this.#pieces.filter((one) => !(one.position < over)), piece].slice(-KEPT * 50);
    this.#start(piece);
  }

  /** All that is not over is played when it is due now. */
  #plan() {
    for (const piece of this.#pieces) {
      piece.source?.stop();
      this.#start(piece);
    }
  }

  /** @param {Piece} piece */
  #start(piece) {
    piece.source = null;
    if (!this.#sounds || !this.playout.runs) return;
    const when = this.playout.when(piece.position);
    const late = this.#context.currentTime - when;
    if (late >= piece.buffer.duration) return;
    piece.source = new AudioBufferSourceNode(this.#context, { buffer: piece.buffer });
    piece.source.connect(this.#gain);
    piece.source.start(Math.max(0, when), Math.max(0, late));
  }
}
