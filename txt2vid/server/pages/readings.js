// The numbers beside the picture.

import { element, setText } from "./page.js";

/**
 * @param {import("./meter.js").Reading} reading
 * @param {import("./player.js").State} state
 */
export function showReading(reading, state) {
  const playing = ["live", "stalled", "reconnecting"].includes(state);
  setText(element("latency"), playing && reading.latency !== null && reading.latency >= 0 ? duration(reading.latency) : "–");
  setText(element("sync"), playing && reading.avOffset !== null ? offset(reading.avOffset) : "–");
  const server = reading.serverOffset;
  setText(element("sync-server"), server === null ? "measured here" : `server: ${offset(server)}`);
  setText(element("buffered"), playing && reading.buffered !== null ? duration(reading.buffered) : "–");
  setText(element("dropped"), playing ? String(reading.dropped) : "–");
  setText(element("shown"), reading.shown ? `of ${reading.shown} frames` : "frames");
}

/** @param {number} milliseconds */
function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}

/** @param {number} milliseconds that sound is ahead of the picture */
function offset(milliseconds) {
  const whole = Math.round(milliseconds);
  return `${whole > 0 ? "+" : whole < 0 ? "−" : ""}${Math.abs(whole)} ms`;
}
