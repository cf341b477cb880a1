// PNG pictures as the browser makes them (8 bits a channel, not interlaced): read into pixels, and written with a palette
// of at most 256 colours, so that pictures in the repository stay small. W3C PNG, third edition.
import { deflateSync, inflateSync } from 'node:zlib';

/** `{ width, height, rgb }`, three bytes a pixel, rows from the top. */
export function decode(png) {
  if (png.readUInt32BE(0) !== 0x89504e47) throw new Error('not a PNG');
  let at = 8;
  let head = null;
  let entries = null;
  const data = [];
  while (at < png.length) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') head = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), depth: body[8], colour: body[9], interlace: body[12] };
    if (png.readUInt32BE(at + 8 + length) !== crcOf(png.subarray(at + 4, at + 8 + length))) throw new Error(`a damaged chunk at ${at}`);
    if (type === 'PLTE') entries = body;
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
  }
  if (!head || head.depth !== 8 || head.interlace !== 0 || ![2, 3, 6].includes(head.colour)) throw new Error(`a kind of PNG that is not read here: ${JSON.stringify(head)}`);
  const { width, height } = head;
  const n = { 2: 3, 3: 1, 6: 4 }[head.colour];
  const raw = inflateSync(Buffer.concat(data));
  const rgb = Buffer.alloc(width * height * 3);
  const stride = width * n;
  let before = Buffer.alloc(stride);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)];
    const line = Buffer.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let i = 0; i < stride; i += 1) {
      const a = i >= n ? line[i - n] : 0;
      const b = before[i];
      const c = i >= n ? before[i - n] : 0;
      line[i] = (line[i] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]) & 255;
    }
    for (let x = 0; x < width; x += 1) {
      if (entries) entries.copy(rgb, (y * width + x) * 3, line[x] * 3, line[x] * 3 + 3);
      else line.copy(rgb, (y * width + x) * 3, x * n, x * n + 3);
    }
    before = line;
  }
  return { width, height, rgb };
}

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** How many pixels are within `near` of `#rrggbb` in each channel. */
export function count({ rgb }, hex, near = 24) {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
  let n = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    if (Math.abs(rgb[i] - r) <= near && Math.abs(rgb[i + 1] - g) <= near && Math.abs(rgb[i + 2] - b) <= near) n += 1;
  }
  return n;
}

/** The colours of a picture with how many pixels have each. */
export function colours({ rgb }) {
  const found = new Map();
  for (let i = 0; i < rgb.length; i += 3) {
    const key = (rgb[i] << 16) | (rgb[i + 1] << 8) | rgb[i + 2];
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

/** At most `most` colours that stand for all: the box with the widest spread is cut at its median until there are enough. */
function palette(found, most) {
  const channel = (key, k) => (key >> (16 - 8 * k)) & 255;
  const boxOf = (keys) => {
    const spans = [0, 1, 2].map((k) => {
      let [low, high] = [255, 0];
      for (const key of keys) {
        low = Math.min(low, channel(key, k));
        high = Math.max(high, channel(key, k));
      }
      return high - low;
    });
    const widest = spans.indexOf(Math.max(...spans));
    // Many pixels count, but not so much that the few of a thin red line are lost.
    const weight = keys.reduce((sum, key) => sum + Math.sqrt(found.get(key)), 0);
    return { keys, widest, worth: spans[widest] * Math.sqrt(weight) };
  };
  const boxes = [boxOf([...found.keys()])];
  while (boxes.length < most) {
    boxes.sort((a, b) => b.worth - a.worth);
    const box = boxes[0];
    if (box.worth === 0 || box.keys.length < 2) break;
    const keys = box.keys.sort((a, b) => channel(a, box.widest) - channel(b, box.widest));
    const half = keys.reduce((sum, key) => sum + Math.sqrt(found.get(key)), 0) / 2;
    let [cut, sum] = [0, 0];
    while (cut < keys.length - 1 && (cut === 0 || sum < half)) sum += Math.sqrt(found.get(keys[cut++]));
    boxes.splice(0, 1, boxOf(keys.slice(0, cut)), boxOf(keys.slice(cut)));
  }
  const index = new Map();
  const entries = boxes.map(({ keys }, i) => {
    const sums = [0, 0, 0, 0];
    for (const key of keys) {
      const n = found.get(key);
      index.set(key, i);
      for (let k = 0; k < 3; k += 1) sums[k] += channel(key, k) * n;
      sums[3] += n;
    }
    return [0, 1, 2].map((k) => Math.round(sums[k] / sums[3]));
  });
  return { entries, index };
}

/** The same picture with a palette: about a quarter of the bytes, and hardly to be told apart where colours are few. */
export function encode({ width, height, rgb }, most = 256) {
  const found = colours({ rgb });
  const { entries, index } = palette(found, most);
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = (y * width + x) * 3;
      rows[y * (width + 1) + 1 + x] = index.get((rgb[i] << 16) | (rgb[i + 1] << 8) | rgb[i + 2]);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  head[9] = 3;
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('PLTE', Buffer.from(entries.flat())),
    chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}

const TABLE = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
function crcOf(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(4 + body.length + 4);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crcOf(body), out.length - 4);
  return out;
}
