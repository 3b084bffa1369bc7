// The microphone of a call: asked for, measured, switched off, and handed on as the track that the others' server hears.

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
  /** @type {MediaStreamTrack | null} what is sent */
  track = null;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  #samples = new Float32Array(1024);

  /** Asks for it; to be called in a click's handler. Whether there is one then. */
  async open() {
    if (this.state === "on") return true;
    this.#say("asking");
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ audio: WANTED }));
    } catch (error) {
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
    this.#stream = this.#context = this.#analyser = this.track = null;
    this.#say("off");
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    if (this.track) this.track.enabled = !muted;
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
  #take(stream) {
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    this.track = track;
    track.contentHint = "speech";
    track.enabled = !this.muted;
    track.addEventListener("ended", () => {
      this.close();
      this.#say("refused", "The microphone is gone: plug it in, or allow it, and try again.");
    });
    this.#context = new AudioContext();
    void this.#context.resume();
    this.#analyser = new AnalyserNode(this.#context, { fftSize: this.#samples.length });
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  /** @type {(state: MicState, reason?: string) => void} */
  #say(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
