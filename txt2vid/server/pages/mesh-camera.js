// The own camera: asked for, chosen, lost; each state in words that say what to do.

import { insecure } from "./secure.js";

/** @typedef {"off" | "asking" | "on" | "refused"} CameraState */

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } };

/** Fires "state" when `state` or `reason` changes. */
export class Camera extends EventTarget {
  /** @type {CameraState} */
  state = "off";
  reason = "";
  /** @type {MediaStream | null} */
  stream = null;
  #attempt = 0;

  /** The track that is on. */
  get track() {
    return this.stream?.getVideoTracks()[0] ?? null;
  }

  /**
   * @param {string} id of a device, "" for any
   * @returns {Promise<boolean>} whether it is on
   */
  async open(id = "") {
    const attempt = ++this.#attempt;
    const barred = insecure();
    if (barred || !navigator.mediaDevices?.getUserMedia) {
      this.#say("refused", barred?.replace("hear you", "see you") ?? "This browser gives pages no camera: try another one.");
      return false;
    }
    this.#say("asking", "");
    this.#release();
    try {
      const video = id ? { ...WANTED, deviceId: { exact: id } } : { ...WANTED, facingMode: "user" };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (attempt !== this.#attempt) {
        stream.getTracks().forEach((track) => track.stop());
        return false;
      }
      this.stream = stream;
    } catch (error) {
      if (attempt === this.#attempt) this.#say("refused", words(error));
      return false;
    }
    this.track?.addEventListener("ended", () => this.#ended(attempt));
    this.#say("on", "");
    return true;
  }

  close() {
    this.#attempt++;
    this.#release();
    this.#say("off", "");
  }

  /** @returns {Promise<MediaDeviceInfo[]>} those that there are; with their names while one is on */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    return devices.filter((device) => device.kind === "videoinput" && device.deviceId !== "");
  }

  /** @param {number} attempt */
  #ended(attempt) {
    if (attempt !== this.#attempt) return;
    this.#release();
    this.#say("refused", "The camera has gone: was it unplugged, or taken by another program? Start it again.");
  }

  #release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  /** @type {(state: CameraState, reason: string) => void} */
  #say(state, reason) {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}

/**
 * @param {unknown} error of getUserMedia (Media Capture and Streams, 10.2)
 * @returns {string}
 */
function words(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "The camera is not allowed: allow it for this page, beside its address, and start again.";
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") return "There is no camera: connect one, and start again.";
  if (name === "NotReadableError" || name === "AbortError") {
    return "The camera cannot be used: another program may have it. Close that, and start again.";
  }
  return `The camera cannot be had (${name || "unknown reason"}): try another browser.`;
}
