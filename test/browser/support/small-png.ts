import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const COLOURS_MAX = 256

/**
 * The same picture with a palette of its 256 most frequent colours: on flat pages the difference is invisible, at a
 * third of the size.
 */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png)
  const counts = new Map<number, number>()
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const palette = [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, COLOURS_MAX)
    .map(([colour]) => colour)
  const nearest = new Map([...counts.keys()].map((colour) => [colour, nearestOf(colour, palette)]))
  const rows = Buffer.alloc((width + 1) * height) // Each row begins with its filter, which is none.
  pixels.forEach((colour, i) => {
    rows[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = nearest.get(colour) ?? 0
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3], 8) // 8 bits, indices into the palette.
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 0xff, colour & 0xff]))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** What a browser makes: 8 bits, red, green, blue and perhaps alpha, not interlaced. Each pixel as 0xrrggbb. */
function decode(png: Buffer): { width: number; height: number; pixels: Uint32Array } {
  const chunks = chunksOf(png)
  const [width, height, channels] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3]
  const data = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content)))
  const pixels = new Uint32Array(width * height)
  const length = width * channels
  let above = new Uint8Array(length)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (length + 1)] ?? 0
    const row = Uint8Array.from(data.subarray(y * (length + 1) + 1, (y + 1) * (length + 1)))
    for (let x = 0; x < length; x++)
      row[x] = (row[x] ?? 0) + predicted(filter, row[x - channels] ?? 0, above[x] ?? 0, above[x - channels] ?? 0)
    for (let x = 0; x < width; x++)
      pixels[y * width + x] =
        ((row[x * channels] ?? 0) << 16) | ((row[x * channels + 1] ?? 0) << 8) | (row[x * channels + 2] ?? 0)
    above = row
  }
  return { width, height, pixels }
}

/** PNG's five filters (RFC 2083, 6): what a byte is told as the difference to. */
function predicted(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    case 4: {
      const [toLeft, toUp, toUpLeft] = [
        Math.abs(up - upLeft),
        Math.abs(left - upLeft),
        Math.abs(left + up - 2 * upLeft),
      ]
      return toLeft <= toUp && toLeft <= toUpLeft ? left : toUp <= toUpLeft ? up : upLeft
    }
    default:
      return 0
  }
}

function chunksOf(png: Buffer): { type: string; content: Buffer }[] {
  const chunks = []
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), content: png.subarray(at + 8, at + 8 + length) })
    at += length + 12
  }
  return chunks
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

function nearestOf(colour: number, palette: number[]): number {
  let [best, least] = [0, Infinity]
  for (const [i, other] of palette.entries()) {
    const [red, green, blue] = [
      (colour >> 16) - (other >> 16),
      ((colour >> 8) & 0xff) - ((other >> 8) & 0xff),
      (colour & 0xff) - (other & 0xff),
    ]
    const distance = red * red + green * green + blue * blue
    if (distance < least) [best, least] = [i, distance]
  }
  return best
}
