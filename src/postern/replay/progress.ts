/** Milliseconds between two drawings. */
const DRAW_EVERY_MS = 100
const BAR_CHARS = 30
const MIB = 1_048_576
/** The control characters that clear the line (ECMA-48: EL). */
const CLEAR = '\r\u001B[K'

/** The terminal and clock of a progress bar. */
export interface Screen {
  readonly write: (text: string) => void
  /** Returns the milliseconds of a steady clock. */
  readonly now: () => number
}

/** Draws a progress bar for the reading of a long file. */
export class Progress {
  readonly #screen: Screen
  readonly #total: number | undefined
  readonly #begun: number
  #drawn = -Infinity
  #visible = false

  /** @param total the size of the file in bytes; `undefined` if it is unknown */
  constructor(screen: Screen, total: number | undefined) {
    this.#screen = screen
    this.#total = total
    this.#begun = screen.now()
  }

  /** Draws the bar for the number of bytes that were read. */
  at(bytes: number): void {
    const now = this.#screen.now()
    if (now - this.#drawn < DRAW_EVERY_MS) return
    this.#drawn = now
    this.#visible = true
    this.#screen.write(`${CLEAR}${progressText(bytes, this.#total, now - this.#begun)}`)
  }

  /** Clears the bar before other lines are written to the terminal. */
  clear(): void {
    if (!this.#visible) return
    this.#visible = false
    this.#drawn = -Infinity
    this.#screen.write(CLEAR)
  }
}

/** Formats the bar: `[#####-----] 50 %  512 MiB  210 MiB/s  3 s left`. */
export function progressText(bytes: number, total: number | undefined, ms: number): string {
  const rate = ms > 0 ? bytes / ms : 0
  const amount = `${Math.floor(bytes / MIB)} MiB  ${Math.round((rate * 1000) / MIB)} MiB/s`
  if (total === undefined || total === 0) return amount
  const part = Math.min(1, bytes / total)
  const full = Math.round(part * BAR_CHARS)
  const left = rate > 0 ? `  ${Math.ceil((total - Math.min(bytes, total)) / rate / 1000)} s left` : ''
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CHARS - full)}] ${Math.floor(part * 100)} %  ${amount}${left}`
}
