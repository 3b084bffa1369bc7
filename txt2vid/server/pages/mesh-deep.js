// The faces in 3D: turned by dragging, by fingers or by keys.

import { ring, SKINS } from "./mesh-draw.js";
import { painter } from "./mesh-paint.js";

/** @typedef {import("./mesh-draw.js").Topology} Topology */
/** @typedef {import("./mesh-paint.js").Colour} Colour */
/** @typedef {import("./mesh-wire.js").Seen} Seen */

const STEP = 0.12; // radians of a key press
const PER_PIXEL = 0.008; // radians of a drag
const STEEP = 1.4; // radians up or down at the most
const FILLS = 0.7; // of the view's smaller side
const EASE = 0.3; // of the way to where the faces are, each picture: the view shall not shake with them
const LIGHT = normal([-0.35, -0.55, -0.75]); // from the left, from above, from the viewer
const DISTANCE = 5; // of the eye, in sizes of what is shown

/** The view. Fires nothing; call `draw`. */
export class Deep {
  #canvas;
  #painter;
  #topology;
  #yaw = 0.5;
  #pitch = 0.12;
  #zoom = 1;
  #centre = [0, 0, 0];
  #size = 0;
  #mirrored = true;
  /** @type {Map<number, [number, number]>} */
  #fingers = new Map();
  /** @type {{faces: {number: number, points: Float32Array}[], aspect: number}} */
  #shown;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Topology} topology
   */
  constructor(canvas, topology) {
    this.#canvas = canvas;
    this.#painter = painter(canvas);
    this.#topology = topology;
    this.#shown = this.#resting();
    canvas.addEventListener("pointerdown", (event) => this.#touch(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => this.#fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** What draws. */
  get kind() {
    return this.#painter.kind;
  }

  /** How it is turned. */
  get turned() {
    return { yaw: this.#yaw, pitch: this.#pitch, zoom: this.#zoom };
  }

  /** @param {boolean} mirrored as the video is */
  mirror(mirrored) {
    this.#mirrored = mirrored;
    this.#size = 0;
    this.#draw();
  }

  /** @param {Seen | null} seen null: the face at rest */
  show(seen) {
    if (seen === null) {
      this.#shown = this.#resting();
      this.#size = 0;
    } else {
      if (seen.faces.length === 0) return; // the last ones stay
      this.#shown = { faces: seen.faces, aspect: seen.height / seen.width };
    }
    this.#draw();
  }

  #resting() {
    return { faces: [{ number: 0, points: new Float32Array(this.#topology.rest) }], aspect: 1 };
  }

  #draw() {
    const scale = Math.min(2, devicePixelRatio);
    const [width, height] = [this.#canvas.clientWidth * scale, this.#canvas.clientHeight * scale].map((side) => Math.max(1, Math.round(side)));
    this.#painter.begin(width, height);
    const faces = this.#shown.faces.map(({ number, points }) => ({ number, points: this.#flat(points) }));
    this.#frame(faces.map(({ points }) => points), width, height);
    for (const { number, points } of faces) this.#face(this.#turn(points), number, width, height, scale);
  }

  /** In frame widths throughout, mirrored where the video is. @type {(points: Float32Array) => Float32Array} */
  #flat(points) {
    const sign = this.#mirrored ? -1 : 1;
    return points.map((value, at) => (at % 3 === 0 ? value * sign : at % 3 === 1 ? value * this.#shown.aspect : value));
  }

  /** Follows the faces, slowly. @type {(faces: Float32Array[], width: number, height: number) => void} */
  #frame(faces, width, height) {
    const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
    for (const points of faces) {
      points.forEach((value, at) => {
        low[at % 3] = Math.min(low[at % 3], value);
        high[at % 3] = Math.max(high[at % 3], value);
      });
    }
    const size = Math.min(width, height) * Math.max((high[0] - low[0]) / width, (high[1] - low[1]) / height, 1e-6);
    const ease = this.#size ? EASE : 1;
    this.#centre = this.#centre.map((value, at) => value + ease * ((low[at] + high[at]) / 2 - value));
    this.#size += ease * (size - this.#size);
  }

  /** Around the middle, in sizes of what is shown. @type {(points: Float32Array) => Float32Array} */
  #turn(points) {
    const [sy, cy, sp, cp] = [Math.sin(this.#yaw), Math.cos(this.#yaw), Math.sin(this.#pitch), Math.cos(this.#pitch)];
    const turned = new Float32Array(points.length);
    for (let at = 0; at < points.length; at += 3) {
      const [x, y, z] = [0, 1, 2].map((i) => (points[at + i] - this.#centre[i]) / this.#size);
      const [wide, deep] = [cy * x + sy * z, cy * z - sy * x];
      turned[at] = wide;
      turned[at + 1] = cp * y - sp * deep;
      turned[at + 2] = cp * deep + sp * y;
    }
    return turned;
  }

  /** @type {(points: Float32Array, number: number, width: number, height: number, scale: number) => void} */
  #face(points, number, width, height, scale) {
    const { triangles, edges, features } = this.#topology;
    const unit = Math.min(width, height) * FILLS * this.#zoom;
    const place = new Float32Array(points.length);
    for (let at = 0; at < points.length; at += 3) {
      const near = DISTANCE / (DISTANCE + points[at + 2]);
      place[at] = width / 2 + points[at] * near * unit;
      place[at + 1] = height / 2 + points[at + 1] * near * unit;
      place[at + 2] = Math.max(-1, Math.min(1, points[at + 2] / 2));
    }
    const [red, green, blue] = SKINS[number % SKINS.length];
    this.#painter.triangles(gathered(place, triangles, 0), shades(points, triangles), [red, green, blue, 1]);
    this.#painter.lines(gathered(place, edges, -0.004), [0, 0, 0, 0.16], 0.8 * scale);
    for (const { name, colour, edges: feature } of features) {
      const shown = /** @type {Colour} */ ([...colour.map((part) => (part / 255) * 0.8), 1]);
      const lines = name.startsWith("iris") ? ring(place, feature) : gathered(place, feature, -0.012);
      this.#painter.lines(lines, shown, 1.6 * scale);
    }
  }

  /** @param {PointerEvent} event */
  #touch(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const spread = this.#spread();
    this.#fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.#fingers.size === 1) {
      this.#turnBy((before[0] - event.clientX) * PER_PIXEL, (event.clientY - before[1]) * PER_PIXEL);
    } else if (spread > 0) {
      this.#zoomBy(this.#spread() / spread);
    }
  }

  #spread() {
    const [one, other] = [...this.#fingers.values()];
    return one && other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (document.activeElement !== this.#canvas) return; // the page scrolls
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY * 0.001));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const turns = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const turn = turns[/** @type {keyof typeof turns} */ (event.key)];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (turn) this.#turnBy(turn[0] * STEP, turn[1] * STEP);
    else if (event.key === "+" || event.key === "=") this.#zoomBy(1.15);
    else if (event.key === "-") this.#zoomBy(1 / 1.15);
    else if (event.key === "0") this.#anew();
    else return;
    event.preventDefault();
  }

  #anew() {
    [this.#yaw, this.#pitch, this.#zoom, this.#size] = [0, 0, 1, 0];
    this.#draw();
  }

  /** @type {(yaw: number, pitch: number) => void} */
  #turnBy(yaw, pitch) {
    this.#yaw = (this.#yaw + yaw) % (2 * Math.PI);
    this.#pitch = Math.max(-STEEP, Math.min(STEEP, this.#pitch + pitch));
    this.#draw();
  }

  /** @param {number} by */
  #zoomBy(by) {
    this.#zoom = Math.max(0.4, Math.min(4, this.#zoom * by));
    this.#draw();
  }
}

/** @type {(place: Float32Array, landmarks: number[], nearer: number) => Float32Array} */
function gathered(place, landmarks, nearer) {
  const found = new Float32Array(landmarks.length * 3);
  landmarks.forEach((landmark, at) => {
    found[3 * at] = place[3 * landmark];
    found[3 * at + 1] = place[3 * landmark + 1];
    found[3 * at + 2] = Math.max(-1, place[3 * landmark + 2] + nearer);
  });
  return found;
}

/** The light on each triangle, whichever side is seen. @type {(points: Float32Array, triangles: number[]) => Float32Array} */
function shades(points, triangles) {
  const found = new Float32Array(triangles.length / 3);
  for (let at = 0; at < found.length; at++) {
    const [a, b, c] = [0, 1, 2].map((i) => points.subarray(3 * triangles[3 * at + i], 3 * triangles[3 * at + i] + 3));
    const [u, v] = [b, c].map((end) => [end[0] - a[0], end[1] - a[1], end[2] - a[2]]);
    const across = normal([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]);
    const facing = across[2] > 0 ? -1 : 1; // towards the viewer
    const lit = facing * (across[0] * LIGHT[0] + across[1] * LIGHT[1] + across[2] * LIGHT[2]);
    found[at] = 0.38 + 0.62 * Math.max(0, lit);
  }
  return found;
}

/** @param {number[]} vector */
function normal(vector) {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
