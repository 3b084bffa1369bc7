// The programs by which a face is drawn (WebGL 2). Places are pixels of the picture, whose middles are at integers, rows
// going down; textures that are drawn into keep rows in the same order, and only the last program turns them.

const HEAD = "#version 300 es\nprecision highp float;\nprecision highp sampler2D;\n";

/** A rectangle (x, y, width, height) of the picture drawn onto a target that shows `box` of it. */
export const RECTANGLE = `${HEAD}
uniform vec4 box, rectangle;
uniform float turned;
out vec2 place;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  place = rectangle.xy - 0.5 + corner * rectangle.zw;
  vec2 at = (place + 0.5 - box.xy) / box.zw * 2.0 - 1.0;
  gl_Position = vec4(at.x, turned * at.y, 0.0, 1.0);
}`;

/** Nodes of a sheet, each where it has gone: `place` is one of the frame, `from` the one of the picture that is seen there. */
export const SHEET = `${HEAD}
uniform vec4 box;
layout(location = 0) in vec2 at;
layout(location = 1) in vec2 own;
out vec2 place, from;
void main() {
  place = at;
  from = own;
  gl_Position = vec4((at + 0.5 - box.xy) / box.zw * 2.0 - 1.0, 0.0, 1.0);
}`;

/** A sheet's texture, which shows `shown` of the picture. */
export const SKIN = `${HEAD}
uniform sampler2D skin;
uniform vec4 shown;
in vec2 from;
out vec4 colour;
void main() { colour = texture(skin, (from + 0.5 - shown.xy) / shown.zw); }`;

/** The head's own colours, premultiplied: what the picture has over the background. */
export const OWN = `${HEAD}
uniform sampler2D picture, behind, alpha;
uniform vec2 corner;
in vec2 place;
out vec4 colour;
void main() {
  ivec2 size = textureSize(picture, 0);
  vec3 seen = texelFetch(picture, clamp(ivec2(round(place)), ivec2(0), size - 1), 0).rgb;
  ivec2 inside = ivec2(round(place - corner));
  float own = texelFetch(alpha, min(inside, textureSize(alpha, 0) - 1), 0).r;
  vec3 back = texelFetch(behind, min(inside, textureSize(behind, 0) - 1), 0).rgb;
  colour = vec4(clamp(seen - (1.0 - own) * back, vec3(0.0), vec3(own)), own);
}`;

/** A part of a picture that begins at \`corner\`, magnified (Keys 1981, with OpenCV's -0.75), through a mask. */
export const MAGNIFY = `${HEAD}
uniform sampler2D source, mask;
uniform vec2 corner;
uniform float times;
uniform vec4 chosen;
out vec4 colour;
vec4 weights(float t) {
  const float A = -0.75;
  float u = t + 1.0, v = 1.0 - t;
  float first = ((A * u - 5.0 * A) * u + 8.0 * A) * u - 4.0 * A;
  float second = ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
  float third = ((A + 2.0) * v - (A + 3.0)) * v * v + 1.0;
  return vec4(first, second, third, 1.0 - first - second - third);
}
void main() {
  vec2 at = corner + gl_FragCoord.xy / times - 0.5;
  vec2 base = floor(at);
  vec4 across = weights(at.x - base.x), down = weights(at.y - base.y);
  ivec2 last = textureSize(source, 0) - 1;
  vec4 sum = vec4(0.0);
  for (int row = 0; row < 4; row++) {
    for (int column = 0; column < 4; column++) {
      ivec2 texel = clamp(ivec2(base) + ivec2(column - 1, row - 1), ivec2(0), last);
      sum += across[column] * down[row] * texelFetch(source, texel, 0);
    }
  }
  float share = chosen.w > 0.0 ? dot(chosen.xy, texelFetch(mask, ivec2(gl_FragCoord.xy), 0).xy) : 1.0;
  vec4 whole = clamp(sum, 0.0, 1.0);
  colour = chosen.w > 0.0 ? vec4(whole.rgb * share, share) : whole;
}`;

/** How much covers, averaged over so many pixels of a row. */
export const SPREAD = `${HEAD}
uniform sampler2D cover;
uniform int reach;
out vec4 colour;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  int last = textureSize(cover, 0).x - 1;
  float sum = 0.0;
  for (int i = 0; i < reach; i++) sum += texelFetch(cover, ivec2(clamp(at.x + i - reach / 2, 0, last), at.y), 0).a;
  colour = vec4(sum / float(reach));
}`;

/**
 * What is seen within a slit's rectangle, which is carried along. It fades out at the edge, and where what is seen comes
 * from the edge of the slit's own grid, beyond which no displacement is known: there the head's own sheet shows.
 */
const SLIT = `${HEAD}
uniform sampler2D cover;
uniform vec4 grid;
uniform vec2 carried;
uniform float margin, share;
in vec2 place, from;
out vec4 colour;
vec2 moved(vec3 one, vec3 other, vec2 at) { return vec2(dot(one, vec3(at, 1.0)), dot(other, vec3(at, 1.0))); }
vec4 layer(sampler2D drawn, vec2 at) {
  vec2 size = vec2(textureSize(drawn, 0));
  vec2 within = clamp(at + 1.0, 0.0, 1.0) * clamp(size - at, 0.0, 1.0);
  return texture(drawn, (at + 0.5) / size).bgra * within.x * within.y;
}
float edge(vec2 inside) {
  vec2 near = min(inside + 1.0, grid.zw - inside);
  return min(near.x, near.y) / margin;
}
vec3 hidden(vec2 inside);
void main() {
  vec2 inside = place - carried - grid.xy;
  float fade = share * smoothstep(0.0, 1.0, min(edge(inside), edge(from - grid.xy)));
  if (fade == 0.0) discard;
  vec4 skin = texelFetch(cover, ivec2(round(inside)), 0);
  vec3 seen = skin.rgb;
  if (skin.a < 1.0) seen += (1.0 - skin.a) * hidden(inside);
  colour = vec4(seen * fade, fade);
}`;

/** What is behind the lips: the hollow, tongue and teeth, in the lips' shadow. */
export const MOUTH = `${SLIT}
uniform sampler2D hollow, tongue, lower, upper, spread;
uniform vec3 skullX, skullY, lowerX, lowerY, tongueX, tongueY;
uniform int reach;
uniform float shadow, light;
uniform vec3 warmth;
vec3 hidden(vec2 inside) {
  vec3 seen = texelFetch(hollow, ivec2(round(inside)), 0).bgr;
  vec4 part = layer(tongue, moved(tongueX, tongueY, place));
  seen = part.rgb + (1.0 - part.a) * seen;
  part = layer(lower, moved(lowerX, lowerY, place));
  seen = part.rgb + (1.0 - part.a) * seen;
  part = layer(upper, moved(skullX, skullY, place));
  seen = part.rgb + (1.0 - part.a) * seen;
  int above = reach - 1 - reach / 4, last = textureSize(spread, 0).y - 1;
  float covered = 0.0;
  for (int i = 0; i < reach; i++) {
    covered += texelFetch(spread, ivec2(int(round(inside.x)), clamp(int(round(inside.y)) + i - above, 0, last)), 0).r;
  }
  return seen * pow(vec3(light * (1.0 - shadow * covered / float(reach))), warmth);
}`;

/** What is behind the lids: the white, the iris before it, and before both the rim as the picture has it. */
export const EYE = `${SLIT}
uniform sampler2D white, iris, rim;
uniform float kept;
uniform vec2 middle, down;
uniform vec3 whiteX, whiteY, irisX, irisY;
vec3 hidden(vec2 inside) {
  vec2 size = vec2(textureSize(white, 0));
  vec2 own = moved(whiteX, whiteY, place), at = (own + 0.5) / size;
  vec4 before = layer(iris, moved(irisX, irisY, place));
  vec3 ball = before.rgb + (1.0 - before.a) * texture(white, at).bgr;
  vec4 lids = (dot(own - middle, down) > 0.0 ? 1.0 : kept) * texture(rim, at).bgra;
  return lids.rgb + (1.0 - lids.a) * ball;
}`;

/** The whole frame: the head over its background, within the rectangle in which it moves. */
export const FRAME = `${HEAD}
uniform sampler2D picture, behind, canvas;
uniform vec2 corner;
uniform vec4 inside;
in vec2 place;
out vec4 colour;
void main() {
  ivec2 at = ivec2(round(place));
  ivec2 within = at - ivec2(corner);
  bool moves = all(greaterThanEqual(place, inside.xy - 0.25)) && all(lessThan(place, inside.zw - 0.25));
  if (!moves) {
    colour = texelFetch(picture, at, 0);
    return;
  }
  vec4 head = texelFetch(canvas, within, 0);
  vec3 back = texelFetch(behind, min(within, textureSize(behind, 0) - 1), 0).rgb;
  colour = vec4(head.rgb + (1.0 - head.a) * back, 1.0);
}`;
