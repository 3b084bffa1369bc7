// Meshes over the video: fine lines for the skin in each face's colour, features in theirs.

import { painter } from "./mesh-paint.js";

/** @typedef {import("./mesh-paint.js").Colour} Colour */
/** @typedef {import("./mesh-wire.js").Seen} Seen */
/**
 * @typedef {{edges: number[], triangles: number[], features: {name: string, colour: number[], edges: number[]}[],
 *   rest: number[]}} Topology
 *   edges: pairs of landmarks; triangles: threes; rest: x, y, z of the face at rest
 */

/** By a face's number. @type {Colour[]} */
export const SKINS = [
  [0.55, 0.9, 0.85, 0.5],
  [1, 0.8, 0.45, 0.5],
  [0.78, 0.7, 1, 0.5],
  [0.65, 0.92, 0.55, 0.5],
  [1, 0.66, 0.72, 0.5],
  [0.6, 0.8, 1, 0.5],
  [0.95, 0.93, 0.6, 0.5],
  [0.9, 0.9, 0.9, 0.5],
];

/** The canvas over the video. */
export class Overlay {
  #canvas;
  #painter;
  #topology;
  /** @type {Map<number[], Float32Array>} */
  #room = new Map();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Topology} topology
   */
  constructor(canvas, topology) {
    this.#canvas = canvas;
    this.#painter = painter(canvas);
    this.#topology = topology;
  }

  /** What draws. */
  get kind() {
    return this.#painter.kind;
  }

  /** @param {Seen | null} seen */
  draw(seen) {
    const { clientWidth, clientHeight } = this.#canvas;
    const scale = Math.min(2, devicePixelRatio);
    const [width, height] = [Math.max(1, Math.round(clientWidth * scale)), Math.max(1, Math.round(clientHeight * scale))];
    this.#painter.begin(width, height);
    for (const { number, points } of seen?.faces ?? []) {
      const fine = Math.max(0.6, Math.min(1.4, (points[3 * 454] - points[3 * 234]) * clientWidth * 0.006)) * scale;
      this.#lines(points, this.#topology.edges, SKINS[number % SKINS.length], fine, width, height);
      for (const { name, colour, edges } of this.#topology.features) {
        const shown = /** @type {Colour} */ ([...colour.map((part) => part / 255), 1]);
        if (name.startsWith("iris")) this.#painter.lines(scaled(ring(points, edges), width, height), shown, 1.4 * fine);
        else this.#lines(points, edges, shown, 2 * fine, width, height);
      }
    }
  }

  /** @type {(points: Float32Array, edges: number[], colour: Colour, thickness: number, width: number, height: number) => void} */
  #lines(points, edges, colour, thickness, width, height) {
    const ends = this.#room.get(edges) ?? new Float32Array(edges.length * 3);
    this.#room.set(edges, ends);
    edges.forEach((landmark, at) => {
      ends[3 * at] = points[3 * landmark] * width;
      ends[3 * at + 1] = points[3 * landmark + 1] * height;
    });
    this.#painter.lines(ends, colour, thickness);
  }
}

const CORNERS = 20; // of what looks like a circle

/**
 * An ellipse through four landmarks, of which the network tells no more of an iris.
 * @param {Float32Array} place x, y, z of all landmarks
 * @param {number[]} edges around it
 * @returns {Float32Array} x, y, z of both ends of each line
 */
export function ring(place, edges) {
  const rim = [0, 2, 4, 6].map((at) => place.subarray(3 * edges[at], 3 * edges[at] + 3));
  const ends = new Float32Array(CORNERS * 6);
  for (let corner = 0; corner < CORNERS; corner++) {
    for (const end of [0, 1]) {
      const angle = (2 * Math.PI * (corner + end)) / CORNERS;
      for (let i = 0; i < 3; i++) {
        const middle = (rim[0][i] + rim[1][i] + rim[2][i] + rim[3][i]) / 4;
        const [across, up] = [(rim[0][i] - rim[2][i]) / 2, (rim[1][i] - rim[3][i]) / 2];
        ends[6 * corner + 3 * end + i] = middle + Math.cos(angle) * across + Math.sin(angle) * up;
      }
    }
  }
  return ends;
}

/** @type {(ends: Float32Array, width: number, height: number) => Float32Array} */
const scaled = (ends, width, height) => ends.map((value, at) => (at % 3 === 0 ? value * width : at % 3 === 1 ? value * height : 0));
