// Pictures that wait for their mesh: each landmark is then where it was when the picture was taken.

const KEPT = 16; // pictures: half a second; a mesh that takes longer is shown over the newest one
const OFF = 500; // milliseconds: pictures that a mesh must not be farther away from

/** The canvas between the video and the mesh. */
export class Step {
  #video;
  #canvas;
  #context;
  /** @type {{at: number, bitmap: ImageBitmap}[]} */
  #kept = [];
  #on = false;
  #run = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} canvas
   */
  constructor(video, canvas) {
    this.#video = video;
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
  }

  /** Whether this browser tells of each picture of a video. */
  get able() {
    return "requestVideoFrameCallback" in this.#video && this.#context !== null;
  }

  /** @param {boolean} on whether pictures are kept, and shown late */
  use(on) {
    if (on === this.#on) return;
    this.#on = on;
    const run = ++this.#run;
    if (on && this.able) this.#next(run);
    if (!on) {
      this.#forget(Infinity);
      this.hide();
    }
  }

  /** The video itself is seen. */
  hide() {
    this.#canvas.hidden = true;
  }

  /** @param {number} captured milliseconds since 1970 of the picture that is to be shown */
  show(captured) {
    const [first] = this.#kept;
    if (!this.#on || !first) return;
    const off = (/** @type {{at: number}} */ kept) => Math.abs(kept.at - captured);
    const nearest = this.#kept.reduce((best, one) => (off(one) < off(best) ? one : best), first);
    if (isNaN(captured) || off(nearest) > OFF) return this.hide();
    const { bitmap } = nearest;
    if (this.#canvas.width !== bitmap.width) this.#canvas.width = bitmap.width;
    if (this.#canvas.height !== bitmap.height) this.#canvas.height = bitmap.height;
    this.#context?.drawImage(bitmap, 0, 0);
    this.#canvas.hidden = false;
    this.#forget(nearest.at);
  }

  /** @param {number} run */
  #next(run) {
    this.#video.requestVideoFrameCallback((now, { captureTime }) => {
      if (run !== this.#run) return;
      this.#next(run);
      const at = performance.timeOrigin + (captureTime ?? now);
      createImageBitmap(this.#video).then(
        (bitmap) => (run === this.#run ? this.#keep(at, bitmap) : bitmap.close()),
        () => {}, // the video ended meanwhile
      );
    });
  }

  /** @type {(at: number, bitmap: ImageBitmap) => void} */
  #keep(at, bitmap) {
    this.#kept.push({ at, bitmap });
    while (this.#kept.length > KEPT) this.#kept.shift()?.bitmap.close();
  }

  /** @param {number} before forgets older ones */
  #forget(before) {
    while (this.#kept[0] && this.#kept[0].at < before) this.#kept.shift()?.bitmap.close();
  }
}
