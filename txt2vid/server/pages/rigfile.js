// Reads the file of a face that the browser draws itself: arrays, small layers and pictures (docs/mesh-wire.md).

const MAGIC = 0x46563254; // "T2VF", little-endian
const VERSION = 1;
const LARGEST = 64 << 20; // bytes of its arrays: a face of 4096x4096 has less

/** @typedef {{at: number, shape: number[], size: 1 | 2, unit?: number}} Part */
/** @typedef {{width: number, height: number, channels: number, data: Uint8Array}} Layer pixels, channels together: BGR(A) */

/** What came is no face, or one of another version. */
export class RigError extends Error {}

/**
 * @param {ArrayBuffer} file
 * @returns {Promise<any>} its head, in which parts that tell of arrays and pictures are those: Float32Array, Layer, ImageBitmap
 */
export async function readRig(file) {
  const view = new DataView(file);
  if (file.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new RigError("This is no face.");
  const start = 8 + view.getUint32(4, true);
  if (start > file.byteLength) throw new RigError("The face is cut short.");
  const head = parsed(new TextDecoder().decode(new Uint8Array(file, 8, start - 8)));
  if (head.version !== VERSION) throw new RigError("The face is of another version: load this page again.");
  if (!(head.unpacked <= LARGEST) || start + head.packed > file.byteLength) throw new RigError("The face is cut short.");
  const arrays = await inflated(new Uint8Array(file, start, head.packed), head.unpacked);
  const pictures = new Uint8Array(file, start + head.packed);
  return unpacked(head, arrays, pictures);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new RigError("The face cannot be read.");
  }
}

/** @type {(data: Uint8Array, size: number) => Promise<Uint8Array>} */
async function inflated(data, size) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer().catch(() => new ArrayBuffer(0)));
  if (bytes.length !== size) throw new RigError("The face is damaged.");
  return bytes;
}

/** @type {(value: any, arrays: Uint8Array, pictures: Uint8Array) => Promise<any>} */
async function unpacked(value, arrays, pictures) {
  if (typeof value !== "object" || value === null || typeof value[0] === "number") return value;
  if (Array.isArray(value)) return Promise.all(value.map((part) => unpacked(part, arrays, pictures)));
  if ("at" in value && "bytes" in value) return picture(pictures.subarray(value.at, value.at + value.bytes));
  if ("at" in value && "shape" in value) return value.size === 2 ? field(value, arrays) : layer(value, arrays);
  const entries = Object.entries(value).map(async ([key, part]) => [key, await unpacked(part, arrays, pictures)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {Uint8Array} data of a JPEG, whose levels are taken as they are */
function picture(data) {
  const options = /** @type {ImageBitmapOptions} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
  return createImageBitmap(new Blob([data], { type: "image/jpeg" }), options).catch(() => {
    throw new RigError("A picture of the face is damaged.");
  });
}

/** @type {(part: Part, arrays: Uint8Array) => Float32Array} */
function field({ at, shape, unit = 1 }, arrays) {
  const count = shape.reduce((product, side) => product * side, 1);
  if (at + 2 * count > arrays.length) throw new RigError("The face is cut short.");
  const steps = new Int16Array(count);
  for (let i = 0; i < count; i++) steps[i] = arrays[at + i] | (arrays[at + count + i] << 8);
  summed(steps, shape);
  return Float32Array.from(steps, (step) => step * unit);
}

/** @type {(part: Part, arrays: Uint8Array) => Layer} */
function layer({ at, shape }, arrays) {
  const [channels, height, width] = shape;
  const count = channels * height * width;
  if (at + count > arrays.length) throw new RigError("The face is cut short.");
  const planes = arrays.slice(at, at + count);
  summed(planes, shape);
  const data = new Uint8Array(count);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < height * width; i++) data[i * channels + channel] = planes[channel * height * width + i];
  }
  return { width, height, channels, data };
}

/**
 * Each value becomes the sum of all differences above and to the left, in its own width.
 * @type {(values: Int16Array | Uint8Array, shape: number[]) => void}
 */
function summed(values, shape) {
  const [rows, columns] = shape.slice(-2);
  for (let from = 0; from < values.length; from += rows * columns) {
    for (let i = from + columns; i < from + rows * columns; i++) values[i] += values[i - columns];
    for (let row = from; row < from + rows * columns; row += columns) {
      for (let i = row + 1; i < row + columns; i++) values[i] += values[i - 1];
    }
  }
}
