// From a motion (ARKit's coefficients, pose, gaze) to where a face's skin goes: what the server's engine computes, here.

export const SHAPES = 52;
const REST = 52; // the shape that shuts a picture's parted lips
const CONTACT = 53; // the one that holds lips apart
/** @type {{held: number, smile: number, blink: number, down: number, up: number, out: number, inwards: number, lids: number[],
 *    side: number}[]} by side; indices as BLENDSHAPES in core/motion.py */
const SIDES = [
  { held: 54, smile: 23, blink: 0, down: 1, up: 4, out: 3, inwards: 2, lids: [5, 1, 6, 4], side: 1 },
  { held: 55, smile: 24, blink: 7, down: 8, up: 11, out: 10, inwards: 9, lids: [12, 8, 13, 11], side: -1 },
];
export const JAW_OPEN = 17;
export const FUNNEL = 19;
export const PUCKER = 20;
export const TONGUE_OUT = 51;
const FULL_SMILE = 0.5; // from this coefficient on, corners are held wholly
const TINY = 0.004; // weights below move nothing

/**
 * @typedef {{blendshapes: ArrayLike<number>, rotation: number[], translation: number[], gaze: number[]}} Motion
 * @typedef {{turn: number[][], pivot: number[], shift: number[], rests: boolean}} Pose
 *   p goes to p + turn * (p - pivot) + shift
 */

/**
 * All weights of a motion, as engines/rig/weights.py has them.
 * @param {any} face the rig's `weights`
 * @param {Motion} motion
 */
export function weightsOf(face, motion) {
  const weights = new Float32Array(face.count);
  for (let i = 0; i < SHAPES; i++) weights[i] = motion.blendshapes[i];
  const [sideways, downwards] = motion.gaze;
  for (const { side, out, inwards, down, up, blink, lids } of SIDES) {
    const outwards = sideways * side;
    weights[outwards > 0 ? out : inwards] += Math.abs(outwards);
    weights[downwards > 0 ? down : up] += Math.abs(downwards);
    if (weights[blink] > 0) for (const lid of lids) weights[lid] *= 1 - Math.min(weights[blink], 1);
  }
  for (const { held, smile } of SIDES) weights[held] = Math.min(1, weights[smile] / FULL_SMILE) * weights[JAW_OPEN];
  weights[REST] = face.rest ? 1 : 0;
  for (let i = 0; i < weights.length; i++) if (Math.abs(weights[i]) < TINY) weights[i] = 0;
  weights[CONTACT] += contact(face, weights);
  return weights;
}

/** @type {(face: any, weights: Float32Array) => number} how much lips that would go through each other are held apart */
function contact({ gaps, apart, along }, weights) {
  let overlap = -Infinity;
  let unit = -Infinity;
  for (let pair = 0; pair < apart.length; pair++) {
    let gap = apart[pair];
    for (let i = 0; i < weights.length; i++) if (weights[i]) gap += weights[i] * gaps[i][pair];
    overlap = Math.max(overlap, -gap / along[pair]);
    unit = Math.max(unit, gaps[CONTACT][pair]);
  }
  return overlap > 0.01 * unit ? overlap / unit : 0;
}

/**
 * The head's movement in the picture, as engines/rig/rig.py has it.
 * @param {any} rig
 * @param {Motion} motion
 * @returns {Pose}
 */
export function poseOf(rig, motion) {
  const [pitch, yaw, roll] = motion.rotation;
  const { axes, pivot, face } = rig;
  const turns = pitch !== 0 || yaw !== 0 || roll !== 0;
  const turn = turns ? product(transposed(axes), product(rotation([pitch, -yaw, roll]), axes)) : identity();
  for (let i = 0; i < 3; i++) turn[i][i] -= 1;
  const [x, y, z] = motion.translation;
  const shift = [x * face, y * face, -z * face];
  return { turn, pivot, shift, rests: !turns && !shift.some((one) => one !== 0) };
}

/** @type {(vector: number[]) => number[][]} the matrix of a rotation vector in radians (Rodrigues 1840) */
function rotation(vector) {
  const angle = Math.hypot(...vector);
  if (angle < 1e-9) return identity();
  const [x, y, z] = vector.map((one) => one / angle);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const t = 1 - c;
  return [
    [c + t * x * x, t * x * y - s * z, t * x * z + s * y],
    [t * x * y + s * z, c + t * y * y, t * y * z - s * x],
    [t * x * z - s * y, t * y * z + s * x, c + t * z * z],
  ];
}

const identity = () => [0, 1, 2].map((row) => [0, 1, 2].map((column) => Number(row === column)));
/** @type {(matrix: number[][]) => number[][]} */
const transposed = (matrix) => matrix[0].map((_, column) => matrix.map((row) => row[column]));
/** @type {(one: number[][], other: number[][]) => number[][]} */
const product = (one, other) =>
  one.map((row) => other[0].map((_, column) => row.reduce((sum, value, i) => sum + value * other[i][column], 0)));

/**
 * The movement of a plane at one depth as an affine map of the picture: [a, b, c, d, e, f] for x' = ax + by + c.
 * @type {(pose: Pose, depth: number) => number[]}
 */
export function affine({ turn, pivot, shift }, depth) {
  const rows = [0, 1].map((row) => {
    const [a, b, c] = turn[row];
    return [a, b, shift[row] - a * pivot[0] - b * pivot[1] + c * (depth - pivot[2])];
  });
  rows[0][0] += 1;
  rows[1][1] += 1;
  return rows.flat();
}

/** @type {(matrix: number[], point: number[]) => number[]} */
export const applied = ([a, b, c, d, e, f], [x, y]) => [a * x + b * y + c, d * x + e * y + f];

/** @type {(matrix: number[]) => number[]} */
export function inverted([a, b, c, d, e, f]) {
  const size = a * e - b * d;
  const scale = 1 / (Math.abs(size) > 1e-6 ? size : 1e-6);
  return [e * scale, -b * scale, (b * f - c * e) * scale, -d * scale, a * scale, (c * d - a * f) * scale];
}

/** Sheets of skin that share a grid, with a ring of nodes around it, which go as those at its edge. */
export class Skin {
  /** @param {any} sheets as the rig has them */
  constructor(sheets) {
    const [x, y, columns, rows, step] = sheets.grid;
    this.layers = sheets.layers;
    this.columns = columns + 2;
    this.rows = rows + 2;
    this.#sheets = sheets;
    /** Where the nodes are in the picture: x, y. */
    this.nodes = new Float32Array(this.rows * this.columns * 2);
    for (let row = 0, to = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        this.nodes[to++] = x + (column - 0.5) * step - 0.5;
        this.nodes[to++] = y + (row - 0.5) * step - 0.5;
      }
    }
    /** Where the nodes are now, a layer after the other: x, y. */
    this.places = new Float32Array(this.layers * this.rows * this.columns * 2);
    this.#moved = new Float32Array(this.layers * 2 * rows * columns);
  }

  #sheets;
  #moved;

  /** @type {(weights: Float32Array, pose: Pose) => void} */
  move(weights, pose) {
    this.#shape(weights);
    if (!pose.rests) this.#turn(pose);
    this.#place();
  }

  /** @param {Float32Array} weights */
  #shape(weights) {
    const { shapes, basis } = this.#sheets;
    const moved = this.#moved;
    const count = moved.length;
    moved.fill(0);
    for (let shape = 0; shape < shapes.length; shape++) {
      const weight = weights[shapes[shape]];
      if (weight === 0) continue;
      const from = shape * count;
      for (let i = 0; i < count; i++) moved[i] += weight * basis[from + i];
    }
  }

  /** @param {Pose} pose */
  #turn({ turn, pivot, shift }) {
    const { grid, depth, head, layers } = this.#sheets;
    const [, , columns, rows] = grid;
    const size = columns * rows;
    const [[a, b, c], [d, e, f]] = turn;
    for (let layer = 0; layer < layers; layer++) {
      const xs = this.#moved.subarray(2 * layer * size, (2 * layer + 1) * size);
      const ys = this.#moved.subarray((2 * layer + 1) * size, (2 * layer + 2) * size);
      for (let row = 0, i = 0; row < rows; row++) {
        let node = 2 * ((row + 1) * this.columns + 1);
        for (let column = 0; column < columns; column++, i++) {
          const x = this.nodes[node++] + xs[i] - pivot[0];
          const y = this.nodes[node++] + ys[i] - pivot[1];
          const z = depth[i] - pivot[2];
          xs[i] += head[i] * (a * x + b * y + c * z + shift[0]);
          ys[i] += head[i] * (d * x + e * y + f * z + shift[1]);
        }
      }
    }
  }

  #place() {
    const [, , columns, rows] = this.#sheets.grid;
    const size = columns * rows;
    for (let layer = 0, to = 0; layer < this.layers; layer++) {
      for (let row = 0, node = 0; row < this.rows; row++) {
        const inner = Math.min(Math.max(row - 1, 0), rows - 1) * columns;
        for (let column = 0; column < this.columns; column++) {
          const i = 2 * layer * size + inner + Math.min(Math.max(column - 1, 0), columns - 1);
          this.places[to++] = this.nodes[node++] + this.#moved[i];
          this.places[to++] = this.nodes[node++] + this.#moved[i + size];
        }
      }
    }
  }
}
