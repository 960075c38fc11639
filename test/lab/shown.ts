import { writeFileSync } from 'node:fs'
import { run, until } from './process.ts'
import { scratch } from './scratch.ts'
import type { Tmux } from './tmux.ts'

/** The pixels of a character cell, as wide as half its height. */
const CELL = { width: 8, height: 16 }
const [DARK, LIGHT] = [0, 255]
/** The halves of a cell that a block character fills: the upper and the lower one. */
const BLOCKS: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
}

/** Photographs a terminal: a PGM picture of what it shows, colours and all. Letters are all an H. */
export async function photograph(terminal: Tmux, theme: 'dark' | 'light'): Promise<string> {
  const rows = cellsOf(await terminal.screen(true), theme)
  const columns = Math.max(...rows.map((row) => row.length))
  const [width, height] = [columns * CELL.width, rows.length * CELL.height]
  const pixels = Buffer.alloc(width * height, theme === 'dark' ? DARK : LIGHT)
  for (const [y, row] of rows.entries()) {
    for (const [x, { character, ink, paper }] of row.entries()) {
      const halves = BLOCKS[character]
      for (let line = 0; line < CELL.height; line++) {
        const isFilled = halves?.[line < CELL.height / 2 ? 0 : 1] === true
        const from = (y * CELL.height + line) * width + x * CELL.width
        pixels.fill(isFilled ? ink : paper, from, from + CELL.width)
        // A letter: two strokes and a bar.
        if (halves !== undefined || line < 4 || line > 12) continue
        for (const at of line === 8 ? [1, 2, 3, 4, 5, 6] : [1, 6]) pixels[from + at] = ink
      }
    }
  }
  const file = scratch('screen.pgm')
  writeFileSync(file, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels]))
  return file
}

interface Cell {
  readonly character: string
  readonly ink: number
  readonly paper: number
}

/**
 * The cells of rows with SGR sequences (ECMA-48, 8.3.117): black ink, white paper, and the colours of the theme. tmux
 * says only what changes, from row to row too.
 */
function cellsOf(rows: readonly string[], theme: 'dark' | 'light'): readonly (readonly Cell[])[] {
  const usual = theme === 'dark' ? { ink: LIGHT, paper: DARK } : { ink: DARK, paper: LIGHT }
  let colours = usual
  return rows.map((row) => {
    const cells: Cell[] = []
    // oxlint-disable-next-line no-control-regex
    for (const [, codes, character] of row.matchAll(/\u001B\[([0-9;]*)m|(.)/gsu)) {
      if (character !== undefined) {
        cells.push({ character, ...colours })
        continue
      }
      for (const code of (codes || '0').split(';')) {
        if (code === '0') colours = usual
        if (code === '30') colours = { ...colours, ink: DARK }
        if (code === '39') colours = { ...colours, ink: usual.ink }
        if (code === '47' || code === '107') colours = { ...colours, paper: LIGHT }
        if (code === '49') colours = { ...colours, paper: usual.paper }
      }
    }
    return cells
  })
}

/** Reads the QR codes in a picture with zbarimg(1). */
export async function scanned(picture: string): Promise<readonly string[]> {
  const { stdout } = await run(['zbarimg', '--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', picture], {
    mayFail: true,
  })
  return stdout.split('\n').filter((line) => line !== '')
}

/** Reads the QR code on a terminal, on dark and on light paper. Waits until it is drawn. */
export async function scannedOn(terminal: Tmux): Promise<string> {
  let [dark, light]: (string | undefined)[] = []
  await until('one QR code is read on dark and on light paper', async () => {
    const both = [await scanned(await photograph(terminal, 'dark')), await scanned(await photograph(terminal, 'light'))]
    ;[dark, light] = both.map((found) => (found.length === 1 ? found[0] : undefined))
    return dark !== undefined && dark === light
  })
  return dark!
}
