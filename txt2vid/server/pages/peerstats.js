// What getStats says of a connection, in the few numbers that people can use.

/**
 * @typedef {{at: number, sent: number, received: number, up: number, down: number,
 *   roundTrip: number | null, buffer: number | null, delays: Delays}} Measured
 *   at: performance.now(); sent, received: bytes in all; up, down: kbit/s since the last time; roundTrip, buffer: milliseconds, to the server and back, and in the longer of the jitter buffers
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
  return {
    at,
    sent,
    received,
    up: before ? Math.max(0, ((sent - before.sent) * 8) / 1000 / seconds) : 0,
    down: before ? Math.max(0, ((received - before.received) * 8) / 1000 / seconds) : 0,
    roundTrip: trips.length ? trips[trips.length - 1] * 1000 : null,
    buffer: before ? longest(delays, before.delays) : null,
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
 * @returns {number | null} milliseconds that what came out of the slowest buffer in between had waited
 */
function longest(now, before) {
  const waits = Object.entries(now).flatMap(([kind, { delay, count }]) => {
    const old = before[kind] ?? { delay: 0, count: 0 };
    return count > old.count ? [((delay - old.delay) / (count - old.count)) * 1000] : [];
  });
  return waits.length ? Math.max(...waits) : null;
}

/** @param {number[]} values */
const sum = (values) => values.reduce((all, one) => all + one, 0);
