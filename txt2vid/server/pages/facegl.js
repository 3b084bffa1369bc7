// Draws a face with WebGL 2 as the server's engine draws it, from its rig and a motion: no picture is sent.

import { Cloth } from "./cloth.js";
import { begin, GlError, ofLayer, ofPicture, Program, target } from "./gl.js";
import { affine, applied, FUNNEL, inverted, poseOf, PUCKER, TONGUE_OUT, weightsOf } from "./rigmove.js";
import * as shaders from "./shaders.js";

/** @typedef {import("./gl.js").Texture} Texture */
/** @typedef {import("./gl.js").Target} Target */
/** @typedef {import("./rigmove.js").Motion} Motion */

const SHADOW = 0.07; // of the mouth's rectangle: how far the lips' shadow reaches
const BEGINS = 0.05; // of a coefficient, up to which a slit that begins to move passes into its own picture

/** Draws one face on a canvas. Fires "lost" where the device takes the canvas away: nothing can be drawn any more. */
export class FaceGl extends EventTarget {
  /** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
  constructor(canvas) {
    super();
    const options = { alpha: false, antialias: false, depth: false, stencil: false };
    const gl = /** @type {WebGL2RenderingContext | null} */ (canvas.getContext("webgl2", options));
    if (!gl) throw new GlError("This browser has no WebGL 2.");
    this.canvas = canvas;
    this.#gl = gl;
    canvas.addEventListener("webglcontextlost", () => this.#lose());
    const rectangle = /** @param {string} fragment */ (fragment) => new Program(gl, shaders.RECTANGLE, fragment);
    this.#skin = new Program(gl, shaders.SHEET, shaders.SKIN);
    this.#own = rectangle(shaders.OWN);
    this.#magnify = rectangle(shaders.MAGNIFY);
    this.#spread = rectangle(shaders.SPREAD);
    this.#mouth = new Program(gl, shaders.SHEET, shaders.MOUTH);
    this.#eye = new Program(gl, shaders.SHEET, shaders.EYE);
    this.#frame = rectangle(shaders.FRAME);
    gl.disable(gl.DEPTH_TEST);
  }

  #gl;
  #skin;
  #own;
  #magnify;
  #spread;
  #mouth;
  #eye;
  #frame;
  /** @type {any} */
  #shown = null;

  /** Whether there is a face to draw. */
  get ready() {
    return this.#shown !== null;
  }

  #lose() {
    const shown = this.#shown;
    this.#shown = null;
    if (shown) this.dispatchEvent(new Event("lost")); // else it was given back
  }

  /** Gives the device back. */
  close() {
    this.#shown = null;
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** From now on this face. @param {any} rig of rigfile.js; its pictures are closed */
  show(rig) {
    const gl = this.#gl;
    const { head } = rig;
    [this.canvas.width, this.canvas.height] = head.size;
    const [x, y, columns, rows, step] = head.sheets.grid;
    const box = [x, y, columns * step, rows * step];
    const picture = ofPicture(gl, head.picture);
    const behind = head.behind ? ofPicture(gl, head.behind) : solid(gl, 0);
    const own = target(gl, box);
    begin(gl, own);
    const alpha = head.alpha ? ofLayer(gl, head.alpha) : solid(gl, 255);
    this.#fill(this.#own, own, { picture, behind, alpha, corner: box.slice(0, 2) });
    this.#shown = {
      rig,
      box,
      picture,
      behind,
      inside: head.inside,
      texture: this.#magnified(own, [0, 0], box, head.sheets.detail),
      canvas: target(gl, box),
      cloth: new Cloth(gl, head.sheets),
      mouth: { ...this.#slit(rig.mouth, picture), ...this.#interior(rig.mouth) },
      eyes: rig.eyes.map((/** @type {any} */ eye) => ({
        ...this.#slit(eye, picture),
        white: ofLayer(gl, eye.white),
        iris: ofLayer(gl, eye.iris),
        rim: ofLayer(gl, eye.rim),
      })),
    };
    head.picture.close();
    head.behind?.close();
    const error = gl.getError();
    if (error) throw new GlError(`WebGL cannot hold the face (${error}).`);
  }

  /** @param {Motion} motion */
  draw(motion) {
    const { rig, cloth, canvas, texture, mouth, eyes } = this.#shown;
    const gl = this.#gl;
    const weights = weightsOf(rig.weights, motion);
    const pose = poseOf(rig, motion);
    cloth.move(weights, pose);
    begin(gl, canvas);
    gl.disable(gl.BLEND);
    this.#skin.use({ box: canvas.box, skin: texture, shown: texture.box });
    cloth.draw(0);
    this.#drawMouth(mouth, canvas, weights, pose);
    for (const eye of eyes) this.#drawEye(eye, canvas, weights, pose);
    this.#finish();
  }

  #finish() {
    const { rig, canvas, picture, behind, inside, box } = this.#shown;
    const gl = this.#gl;
    const [width, height] = rig.head.size;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.BLEND);
    const whole = [0, 0, width, height];
    const corner = box.slice(0, 2);
    this.#frame.use({ box: whole, rectangle: whole, turned: -1, picture, behind, canvas, corner, inside });
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** @type {(slit: any, canvas: Target, weights: Float32Array, pose: import("./rigmove.js").Pose) => void} */
  #drawMouth(slit, canvas, weights, pose) {
    const { about, spread } = slit;
    const share = begun(about, weights, []);
    if (!share) return; // the head's sheet shows it
    const carried = this.#drawSkin(slit, weights, pose);
    const matrix = affine(pose, about.depth);
    const reach = Math.max(3, Math.round(Math.min(spread.width, spread.height) * SHADOW)) | 1;
    begin(this.#gl, spread);
    this.#fill(this.#spread, spread, { cover: slit.skin, reach });
    const jaw = [0, 0];
    weights.forEach((weight, shape) => {
      jaw[0] += weight * about.jaw[shape][0];
      jaw[1] += weight * about.jaw[shape][1];
    });
    const lift = about.lift.map((/** @type {number} */ one) => one * weights[TONGUE_OUT]);
    const out = Math.min(1, weights[PUCKER] + 0.8 * weights[FUNNEL]);
    this.#blend(this.#mouth, slit, canvas, carried, {
      share,
      ...{ hollow: slit.hollow, tongue: slit.tongue, lower: slit.lower, upper: slit.upper, spread, reach },
      ...source("skull", matrix, [0, 0], about),
      ...source("lower", matrix, jaw, about),
      ...source("tongue", matrix, [jaw[0] - lift[0], jaw[1] - lift[1]], about),
      shadow: about.shadow[0],
      light: 1 - about.shadow[1] * out,
      warmth: [...about.warmth].reverse(),
    });
  }

  /** @type {(slit: any, canvas: Target, weights: Float32Array, pose: import("./rigmove.js").Pose) => void} */
  #drawEye(slit, canvas, weights, pose) {
    const { about } = slit;
    const gaze = about.look.map((/** @type {number[]} */ row) => row.reduce((sum, one, i) => sum + one * weights[i], 0));
    const share = begun(about, weights, gaze);
    if (!share) return;
    const wide = about.widens.reduce((/** @type {number} */ sum, /** @type {number} */ one, /** @type {number} */ i) => sum + one * weights[i], 0);
    const carried = this.#drawSkin(slit, weights, pose);
    const matrix = affine(pose, about.depth);
    const turned = [0, 1].map((axis) => gaze[0] * about.turn[0][axis] + gaze[1] * about.turn[1][axis]);
    const [a, b, , d, e] = matrix;
    const shift = [a * turned[0] + b * turned[1], d * turned[0] + e * turned[1]];
    this.#blend(this.#eye, slit, canvas, carried, {
      ...{ share, white: slit.white, iris: slit.iris, rim: slit.rim, kept: 1 - Math.min(1, wide), down: about.turn[1] },
      middle: [0, 1].map((axis) => about.middle[axis] - about.sheets.grid[axis]),
      ...source("white", matrix, [0, 0], about),
      ...source("iris", matrix, shift, about),
    });
  }

  /**
   * Both sides of a slit, the upper over the lower, onto its own target.
   * @type {(slit: any, weights: Float32Array, pose: import("./rigmove.js").Pose) => number[]} how far its rectangle is carried
   */
  #drawSkin({ about, cloth, textures, skin }, weights, pose) {
    const gl = this.#gl;
    const carried = applied(affine(pose, about.depth), about.middle).map((one, i) => Math.round(one - about.middle[i]));
    const [x, y, width, height] = skin.box;
    const box = [x + carried[0], y + carried[1], width, height];
    cloth.move(weights, pose);
    begin(gl, skin);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    for (const layer of [1, 0]) {
      this.#skin.use({ box, skin: textures[layer], shown: textures[layer].box });
      cloth.draw(layer);
    }
    gl.disable(gl.BLEND);
    return carried;
  }

  /**
   * Lays a slit onto the canvas. Its sheets are drawn for it, since they tell where what is seen comes from: above the middle the
   * upper one, below it the lower.
   * @type {(program: Program, slit: any, canvas: Target, carried: number[], values: Record<string, any>) => void}
   */
  #blend(program, { skin, about, cloth }, canvas, carried, values) {
    const gl = this.#gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, canvas.frame);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.DST_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE);
    program.use({ box: canvas.box, grid: skin.box, carried, cover: skin, margin: about.margin, ...values });
    const [x, y] = [0, 1].map((axis) => skin.box[axis] + carried[axis] - canvas.box[axis]);
    const middle = skin.height >> 1;
    gl.enable(gl.SCISSOR_TEST);
    for (const layer of [0, 1]) {
      gl.scissor(x, y + layer * middle, skin.width, layer ? skin.height - middle : middle);
      cloth.draw(layer);
    }
    gl.disable(gl.SCISSOR_TEST);
    gl.disable(gl.BLEND);
  }

  /** @type {(about: any, picture: Texture) => any} a slit's textures, and what its sides are drawn onto */
  #slit(about, picture) {
    const gl = this.#gl;
    const { sheets, source: from } = about;
    const [x, y, columns, rows, step] = sheets.grid;
    const box = [x, y, columns * step, rows * step];
    const masks = ofLayer(gl, about.masks);
    return {
      about,
      cloth: new Cloth(gl, sheets),
      textures: [[1, 0, 0, 1], [0, 1, 0, 1]].map((chosen) =>
        this.#magnified(picture, from.slice(0, 2), from, sheets.detail, { mask: masks, chosen }),
      ),
      skin: target(gl, box),
      spread: target(gl, box),
    };
  }

  /** @param {any} about of a mouth */
  #interior({ hollow, layers }) {
    const gl = this.#gl;
    const made = /** @param {any} layer */ (layer) => (layer ? ofLayer(gl, layer) : solid(gl, 0));
    return { hollow: ofLayer(gl, hollow), tongue: made(layers.tongue), lower: made(layers.lower), upper: made(layers.upper) };
  }

  /** @type {(source: Texture, corner: number[], box: number[], detail: number, through?: Record<string, any>) => Texture} */
  #magnified(source, corner, box, detail, through = { mask: source, chosen: [0, 0, 0, 0] }) {
    const large = target(this.#gl, box, detail);
    begin(this.#gl, large);
    this.#fill(this.#magnify, large, { source, corner, times: detail, ...through });
    return large;
  }

  /** @type {(program: Program, into: Target, values: Record<string, any>) => void} */
  #fill(program, into, values) {
    program.use({ box: into.box, rectangle: into.box, turned: 1, ...values });
    this.#gl.drawArrays(this.#gl.TRIANGLE_STRIP, 0, 4);
  }
}

/**
 * How much of a slit is shown that is moved so far, 0 to 1: its pieces are not quite the picture, and would jump.
 * @type {(about: any, weights: Float32Array, gaze: number[]) => number}
 */
function begun({ moves }, weights, gaze) {
  const moved = [...moves.map((/** @type {number} */ shape) => weights[shape]), ...gaze];
  return Math.min(1, Math.max(0, ...moved.map(Math.abs)) / BEGINS);
}

/**
 * Where in a layer a place of the picture comes from, once the layer has gone by a map and a shift: two rows.
 * @type {(name: string, matrix: number[], shift: number[], about: any) => Record<string, number[]>}
 */
function source(name, [a, b, c, d, e, f], shift, { sheets }) {
  const back = inverted([a, b, c + shift[0], d, e, f + shift[1]]);
  back[2] -= sheets.grid[0];
  back[5] -= sheets.grid[1];
  return { [`${name}X`]: back.slice(0, 3), [`${name}Y`]: back.slice(3) };
}

/** @type {(gl: WebGL2RenderingContext, level: number) => Texture} one pixel */
const solid = (gl, level) => ofLayer(gl, { width: 1, height: 1, channels: 4, data: new Uint8Array(4).fill(level) });
