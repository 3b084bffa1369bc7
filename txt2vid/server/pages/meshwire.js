// Reads what /s/{session}/mesh sends: records of motion and of sound (docs/mesh-wire.md; core/meshwire.py writes them).

import { SHAPES } from "./rigmove.js";

/** @typedef {import("./rigmove.js").Motion} Motion */
/**
 * @typedef {{position: number, rig: number, key: boolean, motion: Motion}} Moved
 * @typedef {{position: number, data: Uint8Array}} Sound one Opus packet; positions: samples at 48 kHz
 */

const KEY = 1;
const DELTA = 2;
const SOUND = 3;
const SOUND_STEP = 960;
const NUMBERS = 256;
const VALUES = SHAPES + 8;
const LONGEST = 18; // zeros before a code's first 1

/** @type {[number, number, number, number][]} how many values, the unit of each, the least and the most of its steps */
const RANGES = [
  [SHAPES, 1 / 255, 0, 255],
  [3, 1 / 2048, -6434, 6434],
  [3, 1 / 2048, -16384, 16384],
  [2, 1 / 127, -127, 127],
];

/** What came makes no sense. */
export class MeshWireError extends Error {}

/** One connection's messages, in order. */
export class MeshReader {
  /** @type {Int32Array | null} */
  #last = null;
  #position = 0;
  #rig = 0;
  #number = 0;

  /**
   * @param {ArrayBuffer} message
   * @returns {{motions: Moved[], sounds: Sound[]}}
   */
  read(message) {
    const view = new DataView(message);
    /** @type {Moved[]} */
    const motions = [];
    /** @type {Sound[]} */
    const sounds = [];
    for (let at = 0; at < view.byteLength; ) {
      if (at + 3 > view.byteLength) throw new MeshWireError("A record is cut short.");
      const kind = view.getUint8(at);
      const size = view.getUint16(at + 1);
      at += 3;
      if (at + size > view.byteLength) throw new MeshWireError("A record is cut short.");
      const body = new DataView(message, at, size);
      at += size;
      if (kind === SOUND) sounds.push(...soundsOf(body));
      const moved = kind === KEY || kind === DELTA ? this.#moved(kind, body) : null;
      if (moved) motions.push(moved);
    }
    return { motions, sounds };
  }

  /** @type {(kind: number, body: DataView) => Moved | null} */
  #moved(kind, body) {
    const header = kind === KEY ? 13 : 3;
    if (body.byteLength < header) throw new MeshWireError("A motion is cut short.");
    const values = valuesOf(body, header);
    const number = body.getUint8(header - 1);
    if (kind === KEY) {
      this.#position = body.getUint32(0) * 2 ** 32 + body.getUint32(4);
      this.#rig = body.getUint32(8);
      this.#last = new Int32Array(VALUES);
    } else {
      if (this.#last && number !== (this.#number + 1) % NUMBERS) this.#last = null;
      if (!this.#last) return null; // until a key comes
      this.#position += body.getUint16(0);
    }
    this.#number = number;
    return { position: this.#position, rig: this.#rig, key: kind === KEY, motion: this.#added(values) };
  }

  /** @param {Int32Array} values */
  #added(values) {
    const last = /** @type {Int32Array} */ (this.#last);
    /** @type {number[][]} */
    const parts = [];
    let at = 0;
    for (const [count, unit, low, high] of RANGES) {
      const part = [];
      for (let i = 0; i < count; i++, at++) {
        last[at] = Math.min(high, Math.max(low, last[at] + values[at]));
        part.push(last[at] * unit);
      }
      parts.push(part);
    }
    const [blendshapes, rotation, translation, gaze] = parts;
    return { blendshapes, rotation, translation, gaze };
  }
}

/** @type {(body: DataView, from: number) => Int32Array} signed Exp-Golomb codes, most significant bits first */
function valuesOf(body, from) {
  const values = new Int32Array(VALUES);
  const end = body.byteLength * 8;
  let at = from * 8;
  const bit = () => {
    if (at >= end) throw new MeshWireError("A motion is damaged.");
    return (body.getUint8(at >> 3) >> (7 - (at++ & 7))) & 1;
  };
  for (let i = 0; i < VALUES; i++) {
    let zeros = 0;
    while (!bit()) if (++zeros > LONGEST) throw new MeshWireError("A motion is damaged.");
    let code = 1;
    for (; zeros; zeros--) code = 2 * code + bit();
    values[i] = code & 1 ? -(code >> 1) : code >> 1;
  }
  if (end - at > 7) throw new MeshWireError("A motion is longer than it should be.");
  return values;
}

/** @type {(body: DataView) => Sound[]} */
function soundsOf(body) {
  if (body.byteLength < 8) throw new MeshWireError("Sound is cut short.");
  let position = body.getUint32(0) * 2 ** 32 + body.getUint32(4);
  const sounds = [];
  for (let at = 8; at < body.byteLength; position += SOUND_STEP) {
    const size = at + 2 <= body.byteLength ? body.getUint16(at) : 0;
    if (!size || at + 2 + size > body.byteLength) throw new MeshWireError("A packet of sound is cut short.");
    sounds.push({ position, data: new Uint8Array(body.buffer, body.byteOffset + at + 2, size) });
    at += 2 + size;
  }
  return sounds;
}

/** @type {(one: Motion, other: Motion, share: number) => Motion} between two motions: 0 is the one, 1 the other */
export function between(one, other, share) {
  const mixed = /** @type {(a: ArrayLike<number>, b: ArrayLike<number>) => number[]} */ (a, b) =>
    Array.from(a, (value, i) => value + (b[i] - value) * share);
  return {
    blendshapes: mixed(one.blendshapes, other.blendshapes),
    rotation: mixed(one.rotation, other.rotation),
    translation: mixed(one.translation, other.translation),
    gaze: mixed(one.gaze, other.gaze),
  };
}
