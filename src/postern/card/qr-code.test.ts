// Goal: what is drawn is a QR code that a camera reads, quiet zone and all, whatever the terminal's colours are.
import { decodeQR } from 'qr/decode.js'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawQr, QUIET_MODULES } from './qr-code.ts'

/** Pixels a module, as on a screen. */
const SCALE = 4
const RGBA = 4
/** Milliseconds the decoder may try; by itself it takes no longer than a camera's frame. */
const DECODE_LIMIT_MS = 5_000
const DARK: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
}

/** The modules that a drawing shows. */
const modulesOf = (lines: readonly string[]): readonly boolean[][] =>
  lines.flatMap((line) => {
    const pairs = Array.from(line, (character) => DARK[character]!)
    return [pairs.map(([upper]) => upper), pairs.map(([, lower]) => lower)]
  })

const decode = (modules: readonly boolean[][]): string => {
  const [height, width] = [modules.length * SCALE, modules[0]!.length * SCALE]
  const data = new Uint8Array(width * height * RGBA).fill(255)
  for (const [row, line] of modules.entries()) {
    for (const [column, dark] of line.entries()) {
      if (!dark) continue
      for (let y = row * SCALE; y < (row + 1) * SCALE; y++) {
        const from = (y * width + column * SCALE) * RGBA
        for (let at = from; at < from + SCALE * RGBA; at++) if (at % RGBA < RGBA - 1) data[at] = 0
      }
    }
  }
  return decodeQR({ width, height, data }, { timeLimit: DECODE_LIMIT_MS })
}

test('it decodes to the text, whatever that is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, maxLength: 300 }), async (text) => {
      const lines = (await drawQr(text, false)).split('\n').slice(0, -1)
      expect(decode(modulesOf(lines))).toBe(text)
    }),
    { numRuns: 40 },
  )
})

test('with light around it, and as wide as a terminal takes', async () => {
  const uri = `otpauth://totp/gate.example.org:ssh?secret=${'A'.repeat(103)}&issuer=gate.example.org&algorithm=SHA512&digits=8&period=30`
  const lines = (await drawQr(uri, false)).split('\n').slice(0, -1)
  const modules = modulesOf(lines)
  const width = modules[0]!.length
  expect(width).toBeLessThanOrEqual(80)
  for (const [row, line] of modules.entries()) {
    const inside = row >= QUIET_MODULES && row < width - QUIET_MODULES
    expect(line.slice(0, QUIET_MODULES)).not.toContain(true)
    expect(line.slice(-QUIET_MODULES)).not.toContain(true)
    expect(line.includes(true)).toBe(inside)
  }
})

test('in colours each line is black on white, and ends so', async () => {
  const plain = (await drawQr('text', false)).split('\n').slice(0, -1)
  const coloured = (await drawQr('text', true)).split('\n').slice(0, -1)
  expect(coloured).toEqual(plain.map((line) => `\u001B[30;47;107m${line}\u001B[0m`))
})
