// A microphone's track as packets for /speak: Opus where the browser has an encoder, else 16-bit samples at 16 kHz.

import { Resampler } from "./resample.js";

/** @typedef {(position: number, payload: Uint8Array) => void} OnPacket  position: samples since the beginning */

const OPUS_RATE = 48000;
const BITRATE = 24000; // bit/s
const PCM_RATE = 16000;
const OPUS = { codec: "opus", sampleRate: OPUS_RATE, numberOfChannels: 1, bitrate: BITRATE };

/** Listens to a track until it is closed. */
export class Encoder {
  /** What hello says of it. */
  audio;
  /** @type {AudioContext} */
  #context;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {AudioWorkletNode} */
  #node;
  /** @type {AudioEncoder | null} */
  #opus = null;

  /**
   * @param {MediaStreamTrack | null} track that is heard first
   * @param {OnPacket} onPacket
   * @returns {Promise<Encoder>}
   */
  static async open(track, onPacket) {
    const opus = await knowsOpus();
    const context = opus ? hearing(track) : new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule("/capture-worklet.js");
    const made = new Encoder(context, opus, onPacket);
    made.listen(track);
    return made;
  }

  /**
   * @param {AudioContext} context
   * @param {boolean} opus
   * @param {OnPacket} onPacket
   */
  constructor(context, opus, onPacket) {
    this.#context = context;
    this.audio = opus ? { codec: "opus", rate: OPUS_RATE } : { codec: "pcm_s16le", rate: PCM_RATE };
    const block = Math.round(context.sampleRate / 50);
    this.#node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 1, processorOptions: { block } });
    this.#node.connect(context.destination); // of silence: what leads nowhere is not run
    this.#node.port.onmessage = opus ? this.#toOpus(onPacket) : this.#toPcm(onPacket);
    void context.resume();
  }

  /** @param {MediaStreamTrack | null} track that is heard from now on */
  listen(track) {
    this.#source?.disconnect();
    this.#source = track ? this.#context.createMediaStreamSource(new MediaStream([track])) : null;
    this.#source?.connect(this.#node);
  }

  close() {
    this.#node.port.onmessage = null;
    this.#node.disconnect();
    if (this.#opus && this.#opus.state !== "closed") this.#opus.close();
    void this.#context.close();
  }

  /**
   * @param {OnPacket} onPacket
   * @returns {(event: MessageEvent<Float32Array>) => void}
   */
  #toOpus(onPacket) {
    let delay = 312; // samples that the encoder is behind; its header tells
    let taken = 0;
    this.#opus = new AudioEncoder({
      output: (chunk, about) => {
        const header = about?.decoderConfig?.description;
        if (header) delay = preSkip(header) ?? delay;
        const payload = new Uint8Array(chunk.byteLength);
        chunk.copyTo(payload);
        const position = Math.round((chunk.timestamp * OPUS_RATE) / 1e6) - delay;
        if (position >= 0) onPacket(position, payload);
      },
      error: () => this.close(), // the sender notices that nothing comes
    });
    this.#opus.configure(OPUS);
    const encode = (/** @type {Float32Array<ArrayBuffer>} */ data) => {
      if (this.#opus?.state !== "configured" || data.length === 0) return;
      const timestamp = (taken * 1e6) / OPUS_RATE;
      const about = { format: /** @type {const} */ ("f32-planar"), sampleRate: OPUS_RATE, numberOfChannels: 1 };
      this.#opus.encode(new AudioData({ ...about, numberOfFrames: data.length, timestamp, data }));
      taken += data.length;
    };
    if (this.#context.sampleRate === OPUS_RATE) return ({ data }) => encode(data);
    const resampler = new Resampler(this.#context.sampleRate, OPUS_RATE);
    return ({ data }) => encode(resampler.push(data)); // the encoder itself makes packets of 20 ms of it
  }

  /**
   * @param {OnPacket} onPacket
   * @returns {(event: MessageEvent<Float32Array>) => void}
   */
  #toPcm(onPacket) {
    const resampler = new Resampler(this.#context.sampleRate, PCM_RATE);
    let position = 0;
    return ({ data }) => {
      const samples = resampler.push(data);
      if (samples.length === 0) return;
      const view = new DataView(new ArrayBuffer(samples.length * 2));
      samples.forEach((one, at) => view.setInt16(at * 2, Math.max(-1, Math.min(1, one)) * 32767, true));
      onPacket(position, new Uint8Array(view.buffer));
      position += samples.length;
    };
  }
}

/**
 * A context at Opus's rate. Where the browser cannot hear a microphone at another rate than its own (Firefox), one at that.
 * @param {MediaStreamTrack | null} track
 */
function hearing(track) {
  const context = new AudioContext({ latencyHint: "interactive", sampleRate: OPUS_RATE });
  try {
    if (track) context.createMediaStreamSource(new MediaStream([track]));
    return context;
  } catch {
    void context.close();
    return new AudioContext({ latencyHint: "interactive" });
  }
}

async function knowsOpus() {
  if (!("AudioEncoder" in globalThis)) return false;
  return AudioEncoder.isConfigSupported(OPUS).then(
    ({ supported }) => supported === true,
    () => false,
  );
}

/**
 * @param {AllowSharedBufferSource} header of Ogg Opus (RFC 7845, 5.1)
 * @returns {number | null}
 */
function preSkip(header) {
  const bytes = ArrayBuffer.isView(header) ? new DataView(header.buffer, header.byteOffset) : new DataView(header);
  return bytes.byteLength >= 12 ? bytes.getUint16(10, true) : null;
}
