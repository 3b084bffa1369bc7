// Measures, in the page itself and by its one clock, how long a beep of its microphone takes to the picture and the
// sound of the session that it speaks in. The server marks loud frames in the picture's corner (serve --mark).
async (session, seconds, options) => {
  // The server's first address becomes that of a wire which loses and delays; the others are left out.
  const wired = async (sdp) => {
    if (!options.wire) return sdp;
    const [line, , , , , host, port] = sdp.match(/a=candidate:(\S+) (\S+) (\S+) (\S+) (\S+) (\d+) typ[^\r]*/);
    const ours = await (await fetch(`${options.wire}?${host}:${port}`)).text();
    const mended = line.replace(`${host} ${port} typ`, `127.0.0.1 ${ours} typ`);
    return sdp.replace(/(a=candidate:[^\n]*\n)+/g, `${mended}\r\n`);
  };
  const post = async (path, peer) => {
    await peer.setLocalDescription(await peer.createOffer());
    const answer = await fetch(path, {
      method: "POST", headers: {"Content-Type": "application/sdp"}, body: peer.localDescription.sdp,
    });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await peer.setRemoteDescription({type: "answer", sdp: await wired(await answer.text())});
    return answer.headers.get("Location");
  };
  const processing = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
  const microphone = await navigator.mediaDevices.getUserMedia({audio: processing});
  const context = new AudioContext({latencyHint: 0.005});
  await context.resume();
  const edges = {mic: [], sound: [], picture: []};
  const listen = (stream, into) => {
    const node = context.createScriptProcessor(256, 1, 1);
    let loud = false, quiet = 0;
    node.onaudioprocess = (event) => {
      const samples = event.inputBuffer.getChannelData(0);
      // when the buffer's first sample was there: two buffers before now (one fills, one is handed over)
      const base = performance.now() - 1000 * samples.length / context.sampleRate;
      for (let i = 0; i < samples.length; i++) {
        if (Math.abs(samples[i]) > 0.1) {
          if (!loud) into.push(base + 1000 * i / context.sampleRate);
          loud = true; quiet = 0;
        } else if (++quiet > 0.1 * context.sampleRate) loud = false;
      }
    };
    context.createMediaStreamSource(stream).connect(node);
    node.connect(context.destination);
  };
  listen(microphone, edges.mic);
  const up = new RTCPeerConnection(), down = new RTCPeerConnection();
  const track = microphone.getAudioTracks()[0];
  up.addTransceiver(track, {direction: "sendonly"});
  for (const kind of ["audio", "video"]) {
    const {receiver} = down.addTransceiver(kind, {direction: "recvonly"});
    if (options.target !== undefined) receiver.jitterBufferTarget = options.target;
  }
  const video = document.createElement("video");
  video.muted = true; video.autoplay = true; video.style.cssText = "position:fixed;left:0;top:0;z-index:9";
  document.body.append(video);
  const stream = new MediaStream();
  down.ontrack = ({track}) => {
    stream.addTrack(track);
    if (track.kind === "audio") listen(new MediaStream([track]), edges.sound);
    video.srcObject = stream;
  };
  const canvas = new OffscreenCanvas(8, 8).getContext("2d", {willReadFrequently: true});
  let white = false, frames = 0;
  const look = (now, {width, expectedDisplayTime}) => {
    frames += 1;
    canvas.drawImage(video, 0, 0, 24, 24, 0, 0, 8, 8);
    const mean = canvas.getImageData(2, 2, 4, 4).data.reduce((sum, value, i) => i % 4 < 3 ? sum + value : sum, 0) / 48;
    if (mean > 128 && !white) edges.picture.push(expectedDisplayTime);
    white = mean > 128;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  const begun = performance.now();
  const places = [await post(`/whep/${session}`, down), await post(`/whip/${session}`, up)];
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  const stats = {};
  for (const [name, peer] of [["down", down], ["up", up]]) {
    stats[name] = [...(await peer.getStats()).values()].filter(({type}) => /-rtp$|candidate-pair|codec/.test(type));
  }
  const lasted = performance.now() - begun;
  for (const place of places) await fetch(place, {method: "DELETE"});
  up.close(); down.close(); track.stop();
  return {edges, frames, lasted, stats, width: video.videoWidth};
}
