// What getStats says of a connection, in the few numbers that people can use.

/**
 * @typedef {{at: number, sent: number, received: number, up: number, down: number,
 *   roundTrip: number | null, buffer: number | null, held: number | null, delays: Delays}} Measured
 *   at: performance.now(); sent, received: bytes in all; up, down: kbit/s since the last time; roundTrip, buffer: milliseconds, to the server and back, and in the longer of the jitter buffers; held: in that of pictures, where there are any: sound is sent ahead of them
 * @typedef {Record<string, {delay: number, count: number}>} Delays  of each jitter buffer, since its beginning
 */

/**
 * @param {RTCPeerConnection} connection
 * @param {Measured | null} before
 * @returns {Promise<Measured>}
 */
export async function readStats(connection, before) {
  const reports = [.../** @type {Map<string, any>} */ (await connection.getStats()).values()];
  const at = performance.now();
  const pairs = reports.filter((one) => one.type === "candidate-pair" && one.nominated);
  const [sent, received] = ["bytesSent", "bytesReceived"].map((name) => sum(pairs.map((pair) => pair[name] ?? 0)));
  const trips = pairs.map((pair) => pair.currentRoundTripTime).filter(Number.isFinite);
  const seconds = before ? (at - before.at) / 1000 : Infinity;
  const delays = delaysOf(reports);
  /** @type {Record<string, number>} */
  const waits = before ? waited(delays, before.delays) : {};
  return {
    at,
    sent,
    received,
    up: before ? Math.max(0, ((sent - before.sent) * 8) / 1000 / seconds) : 0,
    down: before ? Math.max(0, ((received - before.received) * 8) / 1000 / seconds) : 0,
    roundTrip: trips.length ? trips[trips.length - 1] * 1000 : null,
    buffer: Object.values(waits).length ? Math.max(...Object.values(waits)) : null,
    held: waits.video ?? waits.audio ?? null,
    delays,
  };
}

/**
 * @param {RTCPeerConnection} connection
 * @returns {Promise<number | null>} of the sound that has come so far; null where there is none
 */
export async function energyOf(connection) {
  const reports = [.../** @type {Map<string, any>} */ (await connection.getStats()).values()];
  return reports.find((one) => one.type === "inbound-rtp" && one.kind === "audio")?.totalAudioEnergy ?? null;
}

/**
 * @param {any[]} reports
 * @returns {Delays}
 */
function delaysOf(reports) {
  /** @type {Delays} */
  const found = {};
  for (const one of reports) {
    if (one.type !== "inbound-rtp" || !Number.isFinite(one.jitterBufferDelay)) continue;
    found[one.kind] = { delay: one.jitterBufferDelay, count: one.jitterBufferEmittedCount ?? 0 };
  }
  return found;
}

/**
 * @param {Delays} now
 * @param {Delays} before
 * @returns {Record<string, number>} milliseconds that what came out of each buffer in between had waited
 */
function waited(now, before) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [kind, { delay, count }] of Object.entries(now)) {
    const old = before[kind] ?? { delay: 0, count: 0 };
    if (count > old.count) found[kind] = ((delay - old.delay) / (count - old.count)) * 1000;
  }
  return found;
}

/** @param {number[]} values */
const sum = (values) => values.reduce((all, one) => all + one, 0);
