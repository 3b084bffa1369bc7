// What a face's drawing asks of WebGL 2, each in one call.

/** WebGL cannot do what is needed here: the message is for people. */
export class GlError extends Error {}

/** @typedef {{texture: WebGLTexture, width: number, height: number}} Texture */
/** @typedef {Texture & {frame: WebGLFramebuffer, box: number[]}} Target box: x, y, width, height of the picture it shows */

/** A program with its uniforms by name. */
export class Program {
  /** @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment */
  constructor(gl, vertex, fragment) {
    this.#gl = gl;
    const program = gl.createProgram();
    for (const [kind, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      gl.deleteShader(shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const shaders = gl.getAttachedShaders(program) ?? [];
      throw new GlError(shaders.map((one) => gl.getShaderInfoLog(one)).join(" ") || gl.getProgramInfoLog(program) || "no program");
    }
    this.#program = program;
    for (let i = 0; i < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); i++) {
      const about = /** @type {WebGLActiveInfo} */ (gl.getActiveUniform(program, i));
      this.#uniforms.set(about.name, { place: gl.getUniformLocation(program, about.name), type: about.type });
    }
  }

  #gl;
  #program;
  /** @type {Map<string, {place: WebGLUniformLocation | null, type: number}>} */
  #uniforms = new Map();

  /**
   * From now on this one, with these values; textures get their units in order.
   * @param {Record<string, number | ArrayLike<number> | Texture>} values
   */
  use(values) {
    const gl = this.#gl;
    gl.useProgram(this.#program);
    let unit = 0;
    for (const [name, value] of Object.entries(values)) {
      const uniform = this.#uniforms.get(name);
      if (!uniform) continue; // the compiler found that it does not matter
      if (uniform.type === gl.SAMPLER_2D) {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, /** @type {Texture} */ (value).texture);
        gl.uniform1i(uniform.place, unit++);
      } else if (uniform.type === gl.INT) gl.uniform1i(uniform.place, /** @type {number} */ (value));
      else if (uniform.type === gl.FLOAT) gl.uniform1f(uniform.place, /** @type {number} */ (value));
      else if (uniform.type === gl.FLOAT_VEC2) gl.uniform2fv(uniform.place, /** @type {number[]} */ (value));
      else if (uniform.type === gl.FLOAT_VEC3) gl.uniform3fv(uniform.place, /** @type {number[]} */ (value));
      else gl.uniform4fv(uniform.place, /** @type {number[]} */ (value));
    }
  }
}

/** @type {(gl: WebGL2RenderingContext, width: number, height: number) => Texture} bilinear, its edge goes on */
export function empty(gl, width, height) {
  const texture = gl.createTexture();
  if (width > gl.getParameter(gl.MAX_TEXTURE_SIZE) || height > gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
    throw new GlError("The face is too large for this device.");
  }
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, size, gl.LINEAR);
  return { texture, width, height };
}

/** @type {(gl: WebGL2RenderingContext, image: ImageBitmap) => Texture} */
export function ofPicture(gl, image) {
  const made = empty(gl, image.width, image.height);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
  return made;
}

/** @type {(gl: WebGL2RenderingContext, layer: import("./rigfile.js").Layer) => Texture} */
export function ofLayer(gl, { width, height, channels, data }) {
  const made = empty(gl, width, height);
  const [kind, format] = {
    1: [gl.R8, gl.RED],
    2: [gl.RG8, gl.RG],
    3: [gl.RGB8, gl.RGB],
  }[channels] ?? [gl.RGBA8, gl.RGBA];
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.texImage2D(gl.TEXTURE_2D, 0, kind, width, height, 0, format, gl.UNSIGNED_BYTE, data);
  return made;
}

/**
 * A texture that is drawn into.
 * @param {WebGL2RenderingContext} gl
 * @param {number[]} box of the picture that it shows
 * @param {number} detail pixels of it for one of the picture
 * @returns {Target}
 */
export function target(gl, box, detail = 1) {
  const made = empty(gl, box[2] * detail, box[3] * detail);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, made.width, made.height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
  const frame = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, made.texture, 0);
  return { ...made, frame, box };
}

/** @type {(gl: WebGL2RenderingContext, into: Target) => void} draws go into it, from a clear start */
export function begin(gl, into) {
  gl.bindFramebuffer(gl.FRAMEBUFFER, into.frame);
  gl.viewport(0, 0, into.width, into.height);
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT);
}
