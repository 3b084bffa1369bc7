// For browsers without Media Source: the stream as a plain <video src>. It plays; the browser decides how far behind.

/**
 * @param {HTMLVideoElement} video
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<void>} resolved when the stream ends, rejected where it cannot be played
 */
export function playPlainly(video, url, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const finish = (/** @type {() => void} */ settle) => {
      done.abort();
      video.removeAttribute("src");
      video.load();
      settle();
    };
    const on = { signal: done.signal };
    video.addEventListener("ended", () => finish(resolve), on);
    video.addEventListener("error", () => finish(() => reject(new Error("The stream cannot be played."))), on);
    signal.addEventListener("abort", () => finish(resolve), on);
    video.src = url;
    video.play().catch(() => {}); // where the browser wants a click first, the page's button is that click
  });
}
