// One <video> fed with segments by Media Source Extensions: in order, in time, and never more than memory allows.

import { join } from "./mp4.js";

/** @typedef {import("./mp4.js").Segment} Segment */

const QUEUED = 8 * 2 ** 20; // bytes that may wait for the browser: several seconds; more means that it takes no more
const KEPT = 10; // seconds behind what is shown that stay
const SLACK = 5; // seconds more, so that trimming is rare
const OVERLAP = 1; // seconds that a new connection may repeat: the group of pictures it begins with
const SEAM = 0.05; // seconds between two streams whose clocks do not agree

/** The browser's Media Source; ManagedMediaSource on phones that have nothing else; undefined where neither is. */
const Source = globalThis.MediaSource ?? globalThis.ManagedMediaSource;

/** A failure that a new buffer may mend. */
class BufferFailure extends Error {}

/** A media element's source. Fires "failure" where it cannot go on (see `error`). */
export class LiveBuffer extends EventTarget {
  /** Whether this browser can. */
  static get supported() {
    return Source !== undefined;
  }

  /** Seconds that were added to the stream's time stamps. */
  offset = 0;
  /** @type {Error | null} */
  error = null;
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {MediaSource} */
  #source;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  /** @type {Segment[]} */
  #queue = []; // at most QUEUED bytes
  #queued = 0;
  #url = "";
  #mime = "";
  #fresh = true; // the next media segment is the first after an init segment

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
    this.#source = new Source();
    this.#source.addEventListener("sourceopen", () => this.#pump());
    if (!globalThis.MediaSource) video.disableRemotePlayback = true; // ManagedMediaSource demands it
    this.#url = URL.createObjectURL(this.#source);
    video.src = this.#url;
  }

  /** Detaches from the element. */
  close() {
    this.#queue = [];
    this.#buffer = null;
    URL.revokeObjectURL(this.#url);
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** A new connection: what waits is dropped. Its first segment must be an init segment. */
  restart() {
    this.#queue = [];
    this.#queued = 0;
  }

  /** @param {Segment} segment */
  add(segment) {
    if (this.#queued + segment.bytes.length > QUEUED) {
      this.#fail(new BufferFailure("The browser takes no more pictures."));
      return;
    }
    this.#queue.push(segment);
    this.#queued += segment.bytes.length;
    this.#pump();
  }

  /** Frees what was shown long ago. */
  trim() {
    const ranges = this.#buffer?.buffered;
    if (!ranges?.length || this.#buffer?.updating) return;
    const until = this.#video.currentTime - KEPT;
    if (ranges.start(0) < until - SLACK) this.#try(() => this.#buffer?.remove(0, until));
  }

  #pump() {
    if (this.error || this.#source.readyState !== "open" || this.#buffer?.updating) return;
    const [next] = this.#queue;
    if (!next) return;
    this.#try(() => (next.kind === "init" ? this.#begin(next) : this.#append(next)));
  }

  /** @param {import("./mp4.js").InitSegment} init */
  #begin(init) {
    if (!Source.isTypeSupported(init.mime)) throw new BufferFailure(`This browser cannot play ${init.mime}.`);
    if (!this.#buffer) {
      this.#buffer = this.#source.addSourceBuffer(init.mime);
      this.#buffer.addEventListener("updateend", () => this.#pump());
      this.#buffer.addEventListener("error", () => this.#fail(new BufferFailure("The browser cannot read the stream.")));
    } else if (init.mime !== this.#mime) {
      this.#buffer.changeType(init.mime);
    }
    this.#mime = init.mime;
    this.#fresh = true;
    this.#buffer.appendBuffer(init.bytes);
    this.#take(1);
  }

  /** @param {import("./mp4.js").MediaSegment} first */
  #append(first) {
    if (!this.#buffer) throw new BufferFailure("The stream begins without its headers.");
    if (this.#fresh) this.#align(first.time);
    const other = this.#queue.findIndex((segment) => segment.kind === "init");
    const count = other === -1 ? this.#queue.length : other;
    this.#buffer.appendBuffer(join(this.#queue.slice(0, count).map((segment) => segment.bytes)));
    this.#fresh = false;
    this.#take(count);
  }

  /**
   * A stream that goes on where the last one was keeps its time. One whose clock began anew is laid behind it: time in
   * the element only grows.
   * @param {number} time seconds of the first segment
   */
  #align(time) {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    const ranges = buffer.buffered;
    const end = ranges.length ? ranges.end(ranges.length - 1) : -Infinity;
    const reached = Math.max(end, this.#video.currentTime); // the buffer may be empty after Quota
    if (time + this.offset < reached - OVERLAP && reached > 0) this.offset = reached + SEAM - time;
    if (buffer.timestampOffset !== this.offset) buffer.timestampOffset = this.offset;
  }

  /** @param {number} count of segments that the browser has now */
  #take(count) {
    for (const segment of this.#queue.splice(0, count)) this.#queued -= segment.bytes.length;
  }

  /** @param {() => void} work */
  #try(work) {
    try {
      work();
    } catch (error) {
      if (error instanceof Error && error.name === "QuotaExceededError") this.#makeRoom();
      else this.#fail(error instanceof Error ? error : new BufferFailure(String(error)));
    }
  }

  /** The browser's memory for this is full: what was shown goes; where that is nothing, all goes. */
  #makeRoom() {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    const shown = this.#video.currentTime - 1;
    const held = buffer.buffered.length > 0 && buffer.buffered.start(0) < shown;
    try {
      buffer.remove(0, held ? shown : Infinity); // its updateend appends again
    } catch (error) {
      this.#fail(new BufferFailure("The browser has no memory for the stream."));
    }
  }

  /** @param {Error} error */
  #fail(error) {
    if (this.error) return;
    this.error = error;
    this.dispatchEvent(new Event("failure"));
  }
}
