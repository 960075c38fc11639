import { extname } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { QUIET_MODULES, qrModules } from './qr-code.ts'
import type { Modules } from './qr-code.ts'

/** The width of a module in pixels. */
const MODULE_PX = 8
const BITS_A_BYTE = 8
/** The signature of a PNG file (ISO/IEC 15948, 5.2). */
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** The rest of the header: one bit a sample, greyscale, deflate, the only filter method, no interlace (11.2.1). */
const PNG_KIND = Buffer.from([1, 0, 0, 0, 0])

/** The formats of pictures, by the end of the file's name. */
const FORMATS: Readonly<Record<string, (modules: Modules) => Buffer>> = { '.png': pngOf, '.svg': svgOf }

/** The end of a file's name that says its format, as in `.png`. */
export function formatOf(path: string): string {
  return extname(path).toLowerCase()
}

/** Draws a text as a QR code in the format that the name of the file has. */
export async function pictureFor(path: string, text: string): Promise<Buffer> {
  return FORMATS[formatOf(path)]!(await qrModules(text, 'medium', QUIET_MODULES))
}

function pngOf(modules: Modules): Buffer {
  const width = modules.length * MODULE_PX
  // Each line begins with its filter type, none; light is 1.
  const line = (row: readonly boolean[]): Buffer => {
    const bits = Buffer.alloc(Math.ceil(width / BITS_A_BYTE))
    for (let x = 0; x < width; x++) if (!row[Math.floor(x / MODULE_PX)]!) bits[x >> 3]! |= 0x80 >> (x & 7)
    return Buffer.concat([Buffer.alloc(1), bits])
  }
  const lines = modules.flatMap((row) => Array.from({ length: MODULE_PX }, () => line(row)))
  const size = Buffer.alloc(8)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(width, 4)
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk('IHDR', Buffer.concat([size, PNG_KIND])),
    chunk('IDAT', deflateSync(Buffer.concat(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A chunk of a PNG file: its length, its type, its data, and the check sum of both (5.3). */
function chunk(type: string, data: Buffer): Buffer {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

function svgOf(modules: Modules): Buffer {
  const side = modules.length
  const dark = modules.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${side * MODULE_PX}" height="${side * MODULE_PX}" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">
<path fill="#fff" d="M0 0h${side}v${side}H0z"/>
<path fill="#000" d="${dark.join('')}"/>
</svg>
`)
}
