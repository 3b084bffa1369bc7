// What can be measured of a playing session: how old the picture is, how sound and picture meet, what is lost.

/** @typedef {import("./api.js").Status} Status */
/**
 * @typedef {{latency: number | null, avOffset: number | null, serverOffset: number | null, buffered: number | null,
 *   shown: number, dropped: number}} Reading  milliseconds, and numbers of pictures
 */

const FRAMES = 50; // the newest, of which medians are taken: two seconds of 25 fps
const ANSWERS = 5; // of the server's clock; the one that was quickest is the most exact
const CLOCK_ERROR = 0.01; // seconds that two answers may differ beyond their round trips
const FRESH = 2000; // milliseconds for which a picture counts

/** Watches a <video>'s pictures as they are shown. */
export class Meter {
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {() => number} */
  #offset;
  /** @type {Status[]} */
  #answers = []; // at most ANSWERS
  /** @type {{shown: number, time: number} | null} */
  #last = null; // the newest, however old
  /** @type {{at: number, shown: number, time: number, sound: number}[]} */
  #frames = []; // at most FRAMES; shown: performance.now(); time: the stream's; sound: seconds ahead of the picture

  /**
   * @param {HTMLVideoElement} video
   * @param {() => number} offset seconds between the element's time and the stream's
   */
  constructor(video, offset) {
    this.#video = video;
    this.#offset = offset;
    if ("requestVideoFrameCallback" in video) this.#next();
  }

  /** Another session: nothing of the last one counts. */
  clear() {
    this.#answers = [];
    this.#frames = [];
    this.#last = null;
  }

  /** @param {Status} status */
  hear(status) {
    if (!Number.isFinite(status.time)) return;
    // The session's clock stands still while nobody watches, and yields where the machine cannot keep up.
    const same = this.#answers.filter((old) => {
      const doubt = (status.answered - status.asked + old.answered - old.asked) / 2000 + CLOCK_ERROR;
      return Math.abs(this.#sessionTime(status, 0) - this.#sessionTime(old, 0)) <= doubt;
    });
    this.#answers = [...same, status].slice(-ANSWERS);
  }

  /** Whether the server has said what time it is. */
  get knows() {
    return this.#answers.length > 0;
  }

  /** @returns {Reading} */
  read() {
    const video = this.#video;
    const quality = video.getVideoPlaybackQuality?.();
    const now = performance.now();
    const frames = this.#frames.filter((frame) => now - frame.at < FRESH);
    const sound = frames.map((frame) => frame.sound * 1000);
    const ranges = video.buffered;
    return {
      latency: this.#latency(frames, now),
      avOffset: median(sound),
      serverOffset: this.#answers.at(-1)?.avOffset ?? null,
      buffered: ranges.length ? Math.max(0, ranges.end(ranges.length - 1) - video.currentTime) * 1000 : null,
      shown: quality?.totalVideoFrames ?? 0,
      dropped: quality?.droppedVideoFrames ?? 0,
    };
  }

  #next() {
    this.#video.requestVideoFrameCallback((_now, frame) => {
      const now = performance.now();
      const until = (frame.expectedDisplayTime - now) / 1000; // seconds until a person sees it
      const sound = this.#video.currentTime + until * this.#video.playbackRate - frame.mediaTime;
      const time = frame.mediaTime - this.#offset();
      this.#last = { shown: frame.expectedDisplayTime, time };
      this.#frames.push({ at: now, ...this.#last, sound });
      this.#frames = this.#frames.slice(-FRAMES);
      this.#next();
    });
  }

  /**
   * Milliseconds of the session between now at the server and what is on the screen.
   * @param {{shown: number, time: number}[]} frames
   * @param {number} now
   */
  #latency(frames, now) {
    const clock = this.#answers.reduce(
      (best, answer) => (best && best.answered - best.asked <= answer.answered - answer.asked ? best : answer),
      /** @type {Status | undefined} */ (undefined),
    );
    if (!clock || this.#video.paused) return null;
    if (!("requestVideoFrameCallback" in this.#video)) {
      frames = [{ shown: now, time: this.#video.currentTime - this.#offset() }];
    } else if (frames.length === 0 && this.#last) {
      frames = [{ shown: now, time: this.#last.time }]; // it still stands there, and grows older
    }
    return median(frames.map((frame) => (this.#sessionTime(clock, frame.shown) - clock.zero - frame.time) * 1000));
  }

  /**
   * @param {Status} clock answered half a round trip after the server read it
   * @param {number} at performance.now()
   */
  #sessionTime(clock, at) {
    return clock.time + (at - (clock.asked + clock.answered) / 2) / 1000;
  }
}

/**
 * @param {number[]} values
 * @returns {number | null}
 */
function median(values) {
  return values.length ? [...values].sort((one, other) => one - other)[values.length >> 1] : null;
}
