import { crc32, deflateSync } from 'node:zlib'

/** The width and height of the icon: that of the largest one that app launchers ask for. */
export const ICON_PIXELS = 512
/** The drawing's unit: the icon has 32 of them, as the SVG (icon.ts). */
const UNITS = 32
/** Samples a pixel in each direction, for smooth edges. */
const SAMPLES = 3
const GREEN = [0x1f, 0x6f, 0x5c] as const
const PAPER = [0xf4, 0xf1, 0xea] as const
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const RGB_TYPE = 2
const BIT_DEPTH = 8

/** The icon, which is the same for every app. */
let icon: Uint8Array | undefined

/** Returns the icon of an app as PNG (W3C, PNG 3), since not every system takes SVG. The system rounds its corners. */
export function iconPng(): Uint8Array {
  return (icon ??= drawn())
}

function drawn(): Uint8Array {
  const rows = Buffer.alloc(ICON_PIXELS * (1 + ICON_PIXELS * GREEN.length))
  let at = 0
  for (let y = 0; y < ICON_PIXELS; y++) {
    // Each row begins with the number of its filter: 0, for no filter.
    at++
    for (let x = 0; x < ICON_PIXELS; x++) {
      const share = doorShare(x, y)
      for (const [part, green] of GREEN.entries()) rows[at++] = Math.round(green + (PAPER[part]! - green) * share)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(ICON_PIXELS, 0)
  header.writeUInt32BE(ICON_PIXELS, 4)
  header.set([BIT_DEPTH, RGB_TYPE], 8)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Returns the share of a pixel that the door covers, 0 to 1. */
function doorShare(x: number, y: number): number {
  let inside = 0
  for (let sample = 0; sample < SAMPLES ** 2; sample++) {
    const right = ((x + ((sample % SAMPLES) + 0.5) / SAMPLES) * UNITS) / ICON_PIXELS
    const down = ((y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) * UNITS) / ICON_PIXELS
    if (isDoor(right, down)) inside++
  }
  return inside / SAMPLES ** 2
}

/** The SVG's door: a leaf under a half circle, without its knob. */
function isDoor(right: number, down: number): boolean {
  const isLeaf = right >= 10 && right <= 22 && down >= 13 && down <= 26
  const isArch = down < 13 && Math.hypot(right - 16, down - 13) <= 6
  return (isLeaf || isArch) && Math.hypot(right - 18.5, down - 18) > 1.5
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
