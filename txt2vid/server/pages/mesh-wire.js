// Messages of the mesh page, as docs/mesh-page.md has them.

export const POINTS = 478;
const VERSION = 1;
const PICTURE = 2; // a JPEG comes back
const HEAD = 24; // bytes
const FACE = 4 + 6 * POINTS;
const REACH = 3; // frame widths that x covers, from -1 to 2
const HEAD_UP = 12; // bytes before a picture that goes up

/**
 * @typedef {{number: number, confidence: number, points: Float32Array}} Face
 *   points: x, y, z of each landmark: x, z in frame widths, y in frame heights
 * @typedef {{frame: number, serial: number, fps: number, captured: number, width: number, height: number,
 *   spent: number, dropped: number, faces: Face[]}} Seen
 *   captured: milliseconds of this browser's clock, NaN where they are not known; spent: milliseconds in the server
 */

/**
 * @param {ArrayBuffer} data
 * @returns {Seen | null} null where it is something else
 */
export function decode(data) {
  if (data.byteLength < HEAD) return null;
  const view = new DataView(data);
  const count = view.getUint8(2);
  if (view.getUint8(0) !== VERSION || data.byteLength !== HEAD + count * FACE) return null;
  return {
    serial: view.getUint8(1),
    fps: view.getUint8(3),
    frame: view.getUint32(4, true),
    captured: view.getFloat64(8, true),
    width: view.getUint16(16, true),
    height: view.getUint16(18, true),
    spent: view.getUint16(20, true) / 10,
    dropped: view.getUint16(22, true),
    faces: Array.from({ length: count }, (_, at) => face(view, HEAD + at * FACE)),
  };
}

/**
 * @param {ArrayBuffer} data
 * @returns {Blob | null} a picture that comes back
 */
export function picture(data) {
  if (data.byteLength < 2 || new Uint8Array(data, 0, 1)[0] !== PICTURE) return null;
  return new Blob([new Uint8Array(data, 1)], { type: "image/jpeg" });
}

/**
 * @param {ArrayBuffer} file
 * @param {boolean} webp or else it is a JPEG
 * @param {number} captured milliseconds
 * @returns {ArrayBuffer} what goes up
 */
export function encodePicture(file, webp, captured) {
  const message = new Uint8Array(HEAD_UP + file.byteLength);
  const view = new DataView(message.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, webp ? 1 : 0);
  view.setFloat64(4, captured, true);
  message.set(new Uint8Array(file), HEAD_UP);
  return message.buffer;
}

/** @type {(view: DataView, begin: number) => Face} */
function face(view, begin) {
  const points = new Float32Array(3 * POINTS);
  const [x, y, z] = [begin + 4, begin + 4 + 2 * POINTS, begin + 4 + 4 * POINTS];
  for (let at = 0; at < POINTS; at++) {
    points[3 * at] = (view.getUint16(x + 2 * at, true) * REACH) / 65535 - 1;
    points[3 * at + 1] = (view.getUint16(y + 2 * at, true) * REACH) / 65535 - 1;
    points[3 * at + 2] = view.getInt16(z + 2 * at, true) / 32767;
  }
  return { number: view.getUint16(begin, true), confidence: view.getUint16(begin + 2, true) / 65535, points };
}
