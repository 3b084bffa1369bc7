// Browsers give a microphone, and codecs, only to pages that nobody between could have changed.

const PRIVILEGED = 1024; // below, ports are the system's

/**
 * Why this page gets neither, and what to type; null where it does.
 * @param {{isSecureContext: boolean, location: {hostname: string, port: string}}} where the window, if nothing else
 * @returns {string | null} one sentence
 */
export function insecure(where = window) {
  if (where.isSecureContext) return null;
  const there = where.location.port || "80";
  const here = Number(there) < PRIVILEGED ? "8080" : there;
  const host = where.location.hostname.replace(/^\[(.*)\]$/, "$1"); // ssh wants no brackets around IPv6
  return (
    "Browsers let a page hear you only over https, or from this machine: start the server again with " +
    `--tls-self-signed added, or type ssh -L ${here}:localhost:${there} ${host} here and open localhost:${here}.`
  );
}
