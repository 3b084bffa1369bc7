// Plays one session and stays at it: connects, keeps to the live edge, and comes back by itself after whatever goes wrong.

import { ApiError } from "./api.js";
import { LiveBuffer } from "./buffer.js";
import { Edge } from "./edge.js";
import { Mp4Error, Splitter } from "./mp4.js";
import { Pause } from "./pause.js";
import { playPlainly } from "./plain.js";

/** @typedef {"idle" | "connecting" | "live" | "stalled" | "reconnecting" | "paused" | "ended" | "failed"} State */

const TICK = 100; // milliseconds between looks at the live edge; five frames of 50 fps
const STILL = 700; // milliseconds without a new picture after which it counts as stalled
const STUCK = 4000; // milliseconds after which a stalled picture gets a new decoder, though data comes
const SILENCE = 5000; // milliseconds without a byte after which the connection counts as lost
const WAITS = [250, 500, 1000, 2000, 4000]; // milliseconds before a new attempt; the last one again and again
const UNSEEN = 20000; // milliseconds that a silent player goes on in a hidden tab

/** Fires "state" when `state` or `reason` changes, and "unauthorized" where the server wants a token. */
export class Player extends EventTarget {
  /** @type {State} */
  state = "idle";
  reason = "";
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {import("./api.js").Api} */
  #api;
  /** @type {LiveBuffer | null} */
  #buffer = null;
  #edge = new Edge();
  #path = "";
  #running = new AbortController(); // of what `#run` does
  #wanted = false; // the person wants to see it
  #flows = false; // segments come
  #pause = new Pause(); // before the next attempt
  #gone = new AbortController();
  #moved = 0; // performance.now() when the picture last went on
  #seen = NaN; // currentTime then
  #sought = 0; // performance.now() of the last seek
  #unseen = 0; // timer of a hidden tab

  /** @type {(video: HTMLVideoElement, api: import("./api.js").Api) => Player} */
  constructor(video, api) {
    super();
    this.#video = video;
    this.#api = api;
    video.preservesPitch = false; // stretching time would need 50 ms more in the buffer
    const timer = setInterval(() => this.#tick(), TICK);
    const { signal } = this.#gone;
    signal.addEventListener("abort", () => (clearInterval(timer), clearTimeout(this.#unseen)), { once: true });
    video.addEventListener("waiting", () => this.#dry(), { signal });
    video.addEventListener("pause", () => this.#paused(), { signal });
    video.addEventListener("play", () => this.#played(), { signal });
    video.addEventListener("error", () => this.#renew(video.error?.message || "The browser cannot read the stream."), { signal });
    addEventListener("online", () => this.#pause.hurry(), { signal });
    document.addEventListener("visibilitychange", () => this.#visible(), { signal });
    addEventListener("pagehide", () => this.#running.abort(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#wanted && this.#start(), { signal });
  }

  /** Seconds between the element's time and the stream's. */
  get offset() {
    return this.#buffer?.offset ?? 0;
  }

  /** @param {string} path of the stream to play from now on, without sound where the page may not make any yet */
  watch(path) {
    this.close();
    this.#path = path;
    this.#wanted = true;
    this.#start();
  }

  /** Shows nothing any more. */
  close() {
    this.#wanted = false;
    this.#running.abort();
    this.#drop();
    this.#say("idle");
  }

  /** Shows nothing ever again, and gives up the <video>. */
  end() {
    this.close();
    this.#gone.abort();
  }

  /** To be called in a click's handler: plays, with sound. */
  playWithSound() {
    this.#video.muted = false;
    this.resume();
  }

  /** Plays on, at the live edge. */
  resume() {
    if (!this.#path) return;
    this.#wanted = true;
    if (this.#running.signal.aborted) this.#start();
    this.#play();
  }

  /** Stops the picture and the stream. */
  pause() {
    this.#wanted = false;
    this.#video.pause();
    this.#rest();
  }

  #rest() {
    this.#running.abort();
    this.#say("paused");
  }

  #start() {
    this.#running.abort();
    this.#running = new AbortController();
    this.#say("connecting");
    this.#run(this.#running.signal);
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const began = performance.now();
      const failure = await this.#receive(signal).then(
        () => new Error("The server ended the stream."),
        (error) => /** @type {Error} */ (error),
      );
      if (signal.aborted) return;
      if (failure instanceof ApiError && failure.unauthorized) {
        this.#say("failed", failure.message);
        this.#running.abort();
        this.dispatchEvent(new Event("unauthorized"));
        return;
      }
      if (this.#moved > began) attempt = 0;
      const gone = failure instanceof ApiError && failure.status === 404;
      this.#say(gone ? "ended" : "reconnecting", failure.message);
      const wait = WAITS[Math.min(attempt, WAITS.length - 1)]; // viewers of one server do not all come back at once
      await this.#pause.wait(wait * (0.75 + Math.random() / 2), signal);
    }
  }

  /**
   * Takes in the stream until it ends.
   * @param {AbortSignal} outer
   */
  async #receive(outer) {
    this.#flows = !LiveBuffer.supported;
    if (this.#flows) return playPlainly(this.#video, this.#api.address(this.#path), outer);
    const stop = new AbortController();
    const abort = () => stop.abort();
    outer.addEventListener("abort", abort);
    let heard = performance.now();
    const watchdog = setInterval(() => performance.now() - heard > SILENCE && stop.abort(), TICK);
    try {
      const reader = await this.#api.stream(this.#path, stop.signal);
      const buffer = this.#open();
      buffer.restart();
      buffer.addEventListener("failure", abort);
      const splitter = new Splitter();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard = performance.now();
        for (const segment of splitter.push(value)) {
          buffer.add(segment);
          this.#flows = true;
        }
      }
    } catch (error) {
      throw this.#explained(error, performance.now() - heard > SILENCE);
    } finally {
      this.#flows = false;
      clearInterval(watchdog);
      outer.removeEventListener("abort", abort);
      stop.abort();
    }
  }

  /** @type {(error: unknown, silent: boolean) => Error} whose message is for people */
  #explained(error, silent) {
    const failure = this.#buffer?.error;
    if (failure) {
      this.#drop();
      return failure;
    }
    if (error instanceof ApiError && error.status) return error;
    if (silent) return new Error("Nothing comes from the server.");
    return error instanceof ApiError || error instanceof Mp4Error ? error : new Error("The connection was lost.");
  }

  /** The buffer, a new one where there is none. */
  #open() {
    if (!this.#buffer) {
      this.#buffer = new LiveBuffer(this.#video);
      this.#edge = new Edge();
      this.#play();
    }
    this.#edge.forget();
    return this.#buffer;
  }

  #drop() {
    this.#buffer?.close();
    this.#buffer = null;
    this.#seen = NaN;
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NotAllowedError" || !this.#wanted) return;
      if (this.#video.muted) return this.pause(); // not even a silent preview is allowed: a click will be
      this.#video.muted = true;
      this.#play();
    }
  }

  #tick() {
    const video = this.#video;
    const now = performance.now();
    if (video.currentTime !== this.#seen) {
      this.#seen = video.currentTime;
      this.#moved = now;
      const waits = ["connecting", "stalled", "reconnecting"].includes(this.state);
      if (waits && this.#flows && !video.paused && !video.seeking) this.#say("live");
    } else if (this.state === "live" && now - this.#moved > STILL) {
      this.#say("stalled");
    } else if (this.state === "stalled" && now - this.#moved > STUCK && this.#ahead() > this.#edge.target) {
      this.#renew("The picture got stuck.");
    }
    if (this.#buffer && video.buffered.length > 0 && !video.seeking) this.#keepUp(now);
    this.#buffer?.trim();
  }

  /** @param {number} now */
  #keepUp(now) {
    const video = this.#video;
    const last = video.buffered.length - 1;
    const range = { start: video.buffered.start(last), end: video.buffered.end(last) };
    const move = this.#edge.decide({ time: video.currentTime, ...range, now });
    if (move.seek !== null) {
      video.currentTime = move.seek;
      this.#sought = now;
    }
    if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
  }

  /** Seconds that are buffered. */
  #ahead() {
    const { buffered, currentTime } = this.#video;
    return buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
  }

  /** Seeking on the spot costs least: after each gap Chromium otherwise wants twice as much sound before it goes on. */
  #dry() {
    if (this.state !== "live" || !this.#buffer || performance.now() - this.#sought < 1000) return;
    this.#edge.dry();
    this.#sought = performance.now();
    this.#video.currentTime += Math.max(0, this.#ahead() - this.#edge.target);
  }

  /** Paused from outside: a media key, a picture-in-picture window. */
  #paused() {
    if (this.#wanted && this.state === "live") this.pause();
  }

  #played() {
    if (!this.#wanted && this.#path) this.resume();
  }

  #visible() {
    clearTimeout(this.#unseen);
    if (document.hidden) {
      this.#unseen = setTimeout(() => this.#video.muted && this.#wanted && this.#rest(), UNSEEN);
    } else if (this.#wanted) {
      this.#pause.hurry();
      if (this.#running.signal.aborted && this.state !== "failed") this.#start();
      this.#play();
    }
  }

  /** @param {string} reason for which everything begins anew */
  #renew(reason) {
    if (!this.#buffer || !this.#wanted) return;
    this.#drop();
    this.#start();
    this.#say("reconnecting", reason);
  }

  /** @type {(state: State, reason?: string) => void} */
  #say(state, reason = "") {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
