// Keeps a phone's screen on: with the screen, a phone would switch the call off as well.

/**
 * While the signal lasts.
 * @param {AbortSignal} signal
 */
export function stayAwake(signal) {
  /** @type {WakeLockSentinel | undefined} */
  let lock;
  const ask = async () => {
    if (document.hidden || signal.aborted || !("wakeLock" in navigator)) return;
    lock = await navigator.wakeLock.request("screen").catch(() => undefined); // the battery may be low
    if (signal.aborted) void lock?.release();
  };
  document.addEventListener("visibilitychange", ask, { signal }); // it ends when the page is hidden
  signal.addEventListener("abort", () => void lock?.release(), { once: true });
  void ask();
}
