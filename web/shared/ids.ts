// UUIDv7 (RFC 9562, section 5.7): the ids that a client makes, so that a repeated request is known.

let lastMs = 0;
let sequence = 0;

/** A new UUIDv7; ids of one page are ever increasing, even where the clock stands still or steps back. */
export function uuidv7(nowMs: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = ((random[8]! & 0x07) << 8) | random[9]!;
  } else {
    sequence += 1;
    if (sequence > 0xfff) {
      sequence = 0;
      lastMs += 1;
    }
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const rest = random.slice(0, 8);
  rest[0] = (rest[0]! & 0x3f) | 0x80;
  const tail = Array.from(rest, (b) => b.toString(16).padStart(2, '0')).join('');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
