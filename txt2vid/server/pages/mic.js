// The microphone of a call: asked for, measured, switched off, made another voice of, and handed on as a track.

import { insecure } from "./secure.js";

/** @typedef {"off" | "asking" | "on" | "refused"} MicState */

const WANTED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
const QUIET = -60; // decibels of full scale that the meter shows as nothing
const LOUD = -8;

/** @type {Record<string, string>} what to do, by the name of getUserMedia's error */
const HELP = {
  NotAllowedError:
    "The microphone is not allowed: allow it in the browser's address bar (or in the system's settings) and try again.",
  NotFoundError: "No microphone was found: plug one in and try again.",
  NotReadableError: "The microphone is in use by another program, or broken: close that program and try again.",
};

/** Fires "state" when `state`, `reason`, `muted` or `track` changes. */
export class Microphone extends EventTarget {
  /** @type {MicState} */
  state = "off";
  reason = "";
  muted = false;
  semitones = 0; // by which the voice is higher
  /** @type {MediaStreamTrack | null} what is sent */
  track = null;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #samples = new Float32Array(1024);

  /** Asks for it; to be called in a click's handler. Whether there is one then. */
  async open() {
    if (this.state === "on") return true;
    const barred = insecure();
    if (barred) {
      this.#say("refused", barred);
      return false;
    }
    this.#say("asking");
    try {
      await this.#take(await navigator.mediaDevices.getUserMedia({ audio: WANTED }));
    } catch (error) {
      this.close();
      const name = error instanceof Error ? error.name : "";
      this.#say("refused", HELP[name] ?? `The microphone cannot be used (${name || error}): try another browser.`);
      return false;
    }
    this.#say("on");
    return true;
  }

  /** Gives it back to the system. */
  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    void this.#context?.close();
    this.#stream = this.#context = this.#analyser = this.#source = this.track = null;
    this.#say("off");
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !muted;
    this.dispatchEvent(new Event("state"));
  }

  /**
   * Hides the voice, before anything of it leaves the browser.
   * @param {number} semitones by which it is higher; 0: as it is
   */
  disguise(semitones) {
    this.semitones = semitones;
    if (this.state === "on") this.track = this.#disguised();
    this.dispatchEvent(new Event("state"));
  }

  /** How loud it is now: 0 nothing, 1 as loud as can be. */
  get level() {
    if (!this.#analyser || this.muted) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, one) => sum + one * one, 0) / this.#samples.length;
    const decibels = 10 * Math.log10(power + 1e-12);
    return Math.min(1, Math.max(0, (decibels - QUIET) / (LOUD - QUIET)));
  }

  /** @param {MediaStream} stream */
  async #take(stream) {
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    track.contentHint = "speech";
    track.enabled = !this.muted;
    track.addEventListener("ended", () => {
      this.close();
      this.#say("refused", "The microphone is gone: plug it in, or allow it, and try again.");
    });
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    context.addEventListener("statechange", () => context.state !== "closed" && void context.resume()); // after a phone call
    void context.resume();
    this.#analyser = new AnalyserNode(context, { fftSize: this.#samples.length });
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
    await context.audioWorklet?.addModule("/voice-worklet.js");
    this.track = this.#disguised();
  }

  /** The track to be sent: the microphone's own, or what the worklet makes of it. */
  #disguised() {
    const [track] = this.#stream?.getAudioTracks() ?? [];
    if (!this.#context || !this.#source || this.semitones === 0) return track ?? null;
    const options = { numberOfOutputs: 1, outputChannelCount: [1], processorOptions: { semitones: this.semitones } };
    const voice = new AudioWorkletNode(this.#context, "voice", options);
    const out = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 1 });
    this.#source.disconnect(); // from the last disguise
    this.#source.connect(/** @type {AnalyserNode} */ (this.#analyser));
    this.#source.connect(voice).connect(out);
    return out.stream.getAudioTracks()[0];
  }

  /** @type {(state: MicState, reason?: string) => void} */
  #say(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
