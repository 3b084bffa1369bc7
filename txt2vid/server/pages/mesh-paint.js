// Lines and triangles on a canvas: by WebGL, or on a plain 2D canvas where there is none.

/** @typedef {[number, number, number, number]} Colour red, green, blue, alpha, 0 to 1 */
/**
 * @typedef {{kind: "webgl" | "2d", begin: (width: number, height: number) => void,
 *   lines: (ends: Float32Array, colour: Colour, thickness: number) => void,
 *   triangles: (corners: Float32Array, shades: Float32Array, colour: Colour) => void}} Painter
 *   begin: clears; width, height in pixels of the canvas. ends: x, y, z of both ends of each line; corners: x, y, z of
 *   each triangle's three. x, y in pixels from the left upper corner; z from -1 (near) to 1 (far). shades: light of each
 *   triangle, 0 to 1.
 */

const VERTEX = `
attribute vec3 place; attribute vec4 colour; varying lowp vec4 shown; uniform vec2 size;
void main() { gl_Position = vec4(place.x / size.x * 2. - 1., 1. - place.y / size.y * 2., place.z, 1.); shown = colour; }`;
const FRAGMENT = `varying lowp vec4 shown; void main() { gl_FragColor = vec4(shown.rgb * shown.a, shown.a); }`;
const PER = 7; // floats of a vertex: x, y, z, red, green, blue, alpha

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Painter}
 */
export function painter(canvas) {
  const gl = canvas.getContext("webgl", { antialias: true, premultipliedAlpha: true, powerPreference: "low-power" });
  const made = gl ? byWebgl(canvas, gl) : null;
  if (made) return made;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws nothing.");
  return onPlain(canvas, context);
}

/** @type {(canvas: HTMLCanvasElement, gl: WebGLRenderingContext) => Painter | null} */
function byWebgl(canvas, gl) {
  let program = prepared(gl);
  if (!program) return null;
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault(); // so that it comes back
    program = null;
  });
  canvas.addEventListener("webglcontextrestored", () => (program = prepared(gl)));
  let room = new Float32Array(0);
  /** @type {(vertices: number) => Float32Array} */
  const space = (vertices) => {
    if (room.length < vertices * PER) room = new Float32Array(vertices * PER);
    return room;
  };
  /** @type {(vertices: number) => void} */
  const draw = (vertices) => {
    gl.bufferData(gl.ARRAY_BUFFER, room.subarray(0, vertices * PER), gl.DYNAMIC_DRAW);
    gl.drawArrays(gl.TRIANGLES, 0, vertices);
  };
  return {
    kind: "webgl",
    begin(width, height) {
      sized(canvas, width, height);
      if (!program) return;
      gl.viewport(0, 0, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.uniform2f(gl.getUniformLocation(program, "size"), width, height);
    },
    lines(ends, colour, thickness) {
      if (!program) return;
      const count = ends.length / 6;
      const into = space(count * 6);
      for (let at = 0; at < count; at++) thick(ends, at * 6, colour, thickness / 2, into, at * 6 * PER);
      draw(count * 6);
    },
    triangles(corners, shades, colour) {
      if (!program) return;
      const count = corners.length / 3;
      const into = space(count);
      for (let at = 0; at < count; at++) {
        const shade = shades[Math.floor(at / 3)];
        const [red, green, blue, alpha] = colour;
        into.set([corners[3 * at], corners[3 * at + 1], corners[3 * at + 2]], at * PER);
        into.set([red * shade, green * shade, blue * shade, alpha], at * PER + 3);
      }
      draw(count);
    },
  };
}

/**
 * @param {WebGLRenderingContext} gl
 * @returns {WebGLProgram | null}
 */
function prepared(gl) {
  const program = gl.createProgram();
  if (!program) return null;
  for (const [kind, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = gl.createShader(kind);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  for (const [name, size, offset] of /** @type {[string, number, number][]} */ ([["place", 3, 0], ["colour", 4, 3]])) {
    const at = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, PER * 4, offset * 4);
  }
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.enable(gl.DEPTH_TEST);
  gl.depthFunc(gl.LEQUAL);
  return program;
}

/** One line as two triangles. @type {(ends: Float32Array, from: number, colour: Colour, half: number, into: Float32Array, at: number) => void} */
function thick(ends, from, colour, half, into, at) {
  const [x0, y0, z0, x1, y1, z1] = ends.subarray(from, from + 6);
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [dx, dy] = [((y0 - y1) / length) * half, ((x1 - x0) / length) * half];
  const corners = [x0 + dx, y0 + dy, z0, x0 - dx, y0 - dy, z0, x1 + dx, y1 + dy, z1, x1 - dx, y1 - dy, z1];
  [0, 1, 2, 2, 1, 3].forEach((corner, vertex) => {
    for (let i = 0; i < 3; i++) into[at + vertex * PER + i] = corners[3 * corner + i];
    for (let i = 0; i < 4; i++) into[at + vertex * PER + 3 + i] = colour[i];
  });
}

/** @type {(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D) => Painter} */
function onPlain(canvas, context) {
  return {
    kind: "2d",
    begin(width, height) {
      sized(canvas, width, height);
      context.clearRect(0, 0, width, height);
      context.lineCap = context.lineJoin = "round";
    },
    lines(ends, colour, thickness) {
      context.strokeStyle = css(colour, 1);
      context.lineWidth = thickness;
      context.beginPath();
      for (let at = 0; at < ends.length; at += 6) {
        context.moveTo(ends[at], ends[at + 1]);
        context.lineTo(ends[at + 3], ends[at + 4]);
      }
      context.stroke();
    },
    triangles(corners, shades, colour) {
      const far = (/** @type {number} */ at) => corners[9 * at + 2] + corners[9 * at + 5] + corners[9 * at + 8];
      const order = [...shades.keys()].sort((one, other) => far(other) - far(one));
      for (const at of order) {
        context.fillStyle = context.strokeStyle = css(colour, shades[at]);
        context.lineWidth = 1; // closes the seams that smoothing leaves
        context.beginPath();
        for (let i = 0; i < 9; i += 3) context.lineTo(corners[9 * at + i], corners[9 * at + i + 1]);
        context.closePath();
        context.fill();
        context.stroke();
      }
    },
  };
}

/** @type {(canvas: HTMLCanvasElement, width: number, height: number) => void} */
function sized(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** @type {(colour: Colour, shade: number) => string} */
const css = ([red, green, blue, alpha], shade) =>
  `rgb(${Math.round(255 * red * shade)} ${Math.round(255 * green * shade)} ${Math.round(255 * blue * shade)} / ${alpha})`;
