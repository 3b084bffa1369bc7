// Fragmented MP4 (ISO/IEC 14496-12) as it comes from the network: whole segments out of chunks of any size, and what
// Media Source has to know of them.

/**
 * @typedef {{kind: "init", bytes: Uint8Array, mime: string}} InitSegment
 * @typedef {{kind: "media", bytes: Uint8Array, time: number}} MediaSegment  time: seconds in the stream's own timeline
 * @typedef {InitSegment | MediaSegment} Segment
 * @typedef {{type: string, from: number, to: number}} Box  where its content is
 */

const MAX_BOX = 16 * 2 ** 20; // bytes; a frame has some ten thousand, so more than this is no stream of ours
const VIDEO_ENTRY = 78; // bytes of a VisualSampleEntry before its boxes
const AUDIO_ENTRY = 28; // bytes of an AudioSampleEntry before its boxes

/** What arrived is no fragmented MP4, or holds what no browser plays. */
export class Mp4Error extends Error {}

/** Cuts a byte stream into init segments (ftyp + moov) and media segments (moof + mdat); other boxes are left out. */
export class Splitter {
  #held = new Uint8Array(0);
  /** @type {Uint8Array[]} */
  #head = []; // ftyp or moof, until the box that belongs to it is there
  /** @type {Map<number, number>} */
  #scales = new Map(); // track -> ticks a second

  /**
   * @param {Uint8Array} chunk
   * @returns {Segment[]} what is complete now
   */
  push(chunk) {
    this.#held = join([this.#held, chunk]);
    const segments = [];
    let at = 0;
    for (;;) {
      const size = boxSize(this.#held, at);
      if (size === 0 || at + size > this.#held.length) break;
      const segment = this.#box(this.#held.subarray(at, at + size));
      if (segment) segments.push(segment);
      at += size;
    }
    this.#held = this.#held.slice(at);
    return segments;
  }

  /**
   * @param {Uint8Array} bytes one box
   * @returns {Segment | null}
   */
  #box(bytes) {
    const type = name(bytes, 4);
    if (type === "ftyp" || type === "moof") {
      this.#head = [bytes];
    } else if (type === "moov") {
      const tracks = readTracks(bytes);
      this.#scales = new Map(tracks.map((track) => [track.id, track.scale]));
      const mime = `video/mp4; codecs="${tracks.map((track) => track.codec).join(",")}"`;
      return { kind: "init", mime, bytes: join([...this.#head.splice(0), bytes]) };
    } else if (type === "mdat" && this.#head.length > 0) {
      const time = readTime(this.#head[0], this.#scales);
      return { kind: "media", time, bytes: join([...this.#head.splice(0), bytes]) };
    }
    return null;
  }
}

/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array} a copy of all of them in a row
 */
export function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number} the size of the box that begins there; 0 while its header is incomplete
 */
function boxSize(bytes, at) {
  if (bytes.length - at < 8) return 0;
  const short = u32(bytes, at);
  if (short === 1 && bytes.length - at < 16) return 0;
  const size = short === 1 ? u64(bytes, at + 8) : short;
  if (size < 8 || size > MAX_BOX) throw new Mp4Error("What the server sends is no fragmented MP4.");
  return size;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} to
 * @returns {Generator<Box>} the boxes in a row
 */
function* boxes(bytes, from, to) {
  while (from + 8 <= to) {
    const size = boxSize(bytes, from);
    if (size === 0 || from + size > to) return;
    yield { type: name(bytes, from + 4), from: from + (u32(bytes, from) === 1 ? 16 : 8), to: from + size };
    from += size;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {Box} box
 * @param {string[]} path
 * @returns {Box} the first box on this path. Throws Mp4Error where there is none.
 */
function find(bytes, box, ...path) {
  for (const type of path) {
    const found = [...boxes(bytes, box.from, box.to)].find((child) => child.type === type);
    if (!found) throw new Mp4Error(`The stream's headers lack ${type}.`);
    box = found;
  }
  return box;
}

/**
 * @param {Uint8Array} moov
 * @returns {{id: number, scale: number, codec: string}[]}
 */
function readTracks(moov) {
  const tracks = [];
  for (const trak of boxes(moov, 8, moov.length)) {
    if (trak.type !== "trak") continue;
    const header = find(moov, trak, "tkhd").from;
    const media = find(moov, trak, "mdia", "mdhd").from;
    const table = find(moov, trak, "mdia", "minf", "stbl", "stsd");
    const [entry] = boxes(moov, table.from + 8, table.to);
    if (!entry) throw new Mp4Error("The stream's headers name no codec.");
    tracks.push({
      id: u32(moov, header + (moov[header] === 1 ? 20 : 12)),
      scale: u32(moov, media + (moov[media] === 1 ? 20 : 12)),
      codec: readCodec(moov, entry),
    });
  }
  if (tracks.length === 0) throw new Mp4Error("The stream holds neither picture nor sound.");
  return tracks;
}

/**
 * @param {Uint8Array} bytes
 * @param {Box} entry of stsd
 * @returns {string} as RFC 6381 has it
 */
function readCodec(bytes, entry) {
  if (entry.type === "avc1" || entry.type === "avc3") {
    const avcC = find(bytes, { ...entry, from: entry.from + VIDEO_ENTRY }, "avcC").from;
    return `${entry.type}.${hex(bytes[avcC + 1])}${hex(bytes[avcC + 2])}${hex(bytes[avcC + 3])}`;
  }
  if (entry.type === "mp4a") {
    const esds = find(bytes, { ...entry, from: entry.from + AUDIO_ENTRY }, "esds");
    return readEsds(bytes, esds.from + 4, esds.to);
  }
  return entry.type === "Opus" ? "opus" : entry.type;
}

/**
 * The descriptors of ISO/IEC 14496-1: ES (3) holds DecoderConfig (4) holds DecoderSpecificInfo (5).
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} to
 * @returns {string}
 */
function readEsds(bytes, at, to) {
  let object = 0;
  while (at < to) {
    const tag = bytes[at++];
    while (at < to && bytes[at] & 0x80) at++; // the size, seven bits a byte
    at++;
    if (tag === 3) {
      const flags = bytes[at + 2];
      at += 3 + (flags & 0x80 ? 2 : 0) + (flags & 0x20 ? 2 : 0);
      if (flags & 0x40) throw new Mp4Error("The stream's sound is described elsewhere.");
    } else if (tag === 4) {
      object = bytes[at];
      at += 13;
    } else if (tag === 5) {
      const first = bytes[at] >> 3;
      const kind = first === 31 ? 32 + (((bytes[at] & 7) << 3) | (bytes[at + 1] >> 5)) : first;
      return `mp4a.${hex(object)}.${kind}`;
    } else {
      break;
    }
  }
  return object === 0x40 || object === 0 ? "mp4a.40.2" : `mp4a.${hex(object)}`;
}

/**
 * @param {Uint8Array} moof
 * @param {Map<number, number>} scales
 * @returns {number} seconds: where the first of its tracks begins
 */
function readTime(moof, scales) {
  let first = Infinity;
  for (const traf of boxes(moof, 8, moof.length)) {
    if (traf.type !== "traf") continue;
    const track = u32(moof, find(moof, traf, "tfhd").from + 4);
    const tfdt = find(moof, traf, "tfdt").from;
    const ticks = moof[tfdt] === 1 ? u64(moof, tfdt + 4) : u32(moof, tfdt + 4);
    first = Math.min(first, ticks / (scales.get(track) ?? NaN));
  }
  if (!Number.isFinite(first)) throw new Mp4Error("A fragment of the stream says not when it is.");
  return first;
}

/** @type {(bytes: Uint8Array, at: number) => number} */
const u32 = (bytes, at) => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

/** @type {(bytes: Uint8Array, at: number) => number} */
const u64 = (bytes, at) => u32(bytes, at) * 2 ** 32 + u32(bytes, at + 4);

/** @type {(bytes: Uint8Array, at: number) => string} */
const name = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

/** @type {(byte: number) => string} */
const hex = (byte) => byte.toString(16).padStart(2, "0");
