// A face's skin on the device: triangles between a sheet's nodes, which go where the motion takes them.

import { GlError } from "./gl.js";
import { Skin } from "./rigmove.js";

/** The triangles of sheets that share a grid. */
export class Cloth {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {any} sheets as the rig has them
   */
  constructor(gl, sheets) {
    this.#gl = gl;
    this.skin = new Skin(sheets);
    const { columns, rows, layers, nodes, places } = this.skin;
    this.#places = buffer(gl, gl.ARRAY_BUFFER, places, gl.DYNAMIC_DRAW);
    const own = buffer(gl, gl.ARRAY_BUFFER, nodes, gl.STATIC_DRAW);
    const triangles = trianglesOf(columns, rows);
    this.#count = triangles.length;
    for (let layer = 0; layer < layers; layer++) {
      const array = gl.createVertexArray();
      gl.bindVertexArray(array);
      attribute(gl, 0, this.#places, layer * rows * columns * 8);
      attribute(gl, 1, own, 0);
      buffer(gl, gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
      this.#arrays.push(array);
    }
    gl.bindVertexArray(null);
  }

  #gl;
  #places;
  #count;
  /** @type {WebGLVertexArrayObject[]} */
  #arrays = [];

  /** @type {(weights: Float32Array, pose: import("./rigmove.js").Pose) => void} */
  move(weights, pose) {
    const gl = this.#gl;
    this.skin.move(weights, pose);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#places);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.skin.places);
  }

  /** @param {number} layer */
  draw(layer) {
    const gl = this.#gl;
    gl.bindVertexArray(this.#arrays[layer]);
    gl.drawElements(gl.TRIANGLES, this.#count, gl.UNSIGNED_SHORT, 0);
    gl.bindVertexArray(null);
  }
}

/** @type {(columns: number, rows: number) => Uint16Array} two triangles between each four nodes */
function trianglesOf(columns, rows) {
  if (columns * rows > 65536) throw new GlError("The face has too many nodes.");
  const triangles = new Uint16Array((columns - 1) * (rows - 1) * 6);
  for (let row = 0, to = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++, to += 6) {
      const at = row * columns + column;
      triangles.set([at, at + 1, at + columns, at + columns, at + 1, at + columns + 1], to);
    }
  }
  return triangles;
}

/** @type {(gl: WebGL2RenderingContext, kind: number, data: ArrayBufferView, use: number) => WebGLBuffer} */
function buffer(gl, kind, data, use) {
  const made = gl.createBuffer();
  gl.bindBuffer(kind, made);
  gl.bufferData(kind, data, use);
  return made;
}

/** @type {(gl: WebGL2RenderingContext, index: number, from: WebGLBuffer, at: number) => void} */
function attribute(gl, index, from, at) {
  gl.bindBuffer(gl.ARRAY_BUFFER, from);
  gl.enableVertexAttribArray(index);
  gl.vertexAttribPointer(index, 2, gl.FLOAT, false, 0, at);
}
