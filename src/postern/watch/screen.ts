import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Key } from './editor.ts'
import type { Size } from './paint.ts'

const STDOUT_FD = 1
const ESC = '\u001B'
/** Other screen, no cursor, no automatic wrap, pasted text in brackets (xterm's control sequences). */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l\u001B[?2004h'
const RESET = '\u001B[?2004l\u001B[?7h\u001B[m'
const LEAVE = '\u001B[?25h\u001B[?1049l'
/** Milliseconds between two tries to write to a terminal that takes nothing, and the most tries at the end. */
const AGAIN_MS = 20
const LAST_TRIES = 25

/**
 * Returns the control sequences that clear a window and go to its beginning (ECMA-48, CUP and EL). They clear it row by
 * row: a window that is cleared at once goes into the history of tmux(1) and screen(1) if these have no other screen.
 */
export function wiped({ rows }: Size): string {
  return `${Array.from({ length: rows }, (_, row) => `${ESC}[${row + 1}H${ESC}[2K`).join('')}${ESC}[H`
}

/** A key, as `node:readline` tells it. */
interface Keypress extends Omit<Key, 'text'> {
  readonly sequence?: string
}

/** The events of a screen. */
export interface ScreenEvents {
  readonly key: (key: Key) => void
  readonly resized: () => void
  /** The terminal is gone. */
  readonly lost: (code: string) => void
}

/**
 * A terminal in raw mode. It is written to without waiting: one that takes nothing, because of Ctrl-S or a connection
 * that hangs, holds nothing up. Whatever ends the process, {@link leave} gives the terminal back as it was.
 */
export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #events: ScreenEvents
  #fd = STDOUT_FD
  #isEntered = false
  #isPasting = false
  #pending: Buffer | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input
    this.#output = output
    this.#events = events
    this.#fd = openAgain()
    emitKeypressEvents(input)
  }

  get size(): Size {
    const { columns, rows } = this.#output
    return { columns: columns || 80, rows: rows || 24 }
  }

  /** True while the terminal has not taken all that was written. */
  get isBusy(): boolean {
    return this.#pending !== undefined
  }

  /** Takes the terminal. */
  enter(): void {
    if (this.#isEntered) return
    this.#isEntered = true
    process.on('exit', this.#leaveAtExit)
    // The mode is set anew also where Node.js believes it is set: a shell may have changed it meanwhile.
    this.#input.setRawMode(false)
    this.#input.setRawMode(true)
    this.#input.on('keypress', this.#pressed)
    this.#input.on('end', this.#gone)
    this.#input.on('error', this.#broken)
    this.#input.resume()
    this.#output.on('resize', this.#events.resized)
    this.write(ENTER)
  }

  /** Gives the terminal back. It can be entered again. */
  leave(): void {
    if (!this.#isEntered) return
    this.#isEntered = false
    clearTimeout(this.#timer)
    this.#pending = undefined
    process.off('exit', this.#leaveAtExit)
    this.#input.off('keypress', this.#pressed)
    this.#input.off('end', this.#gone)
    this.#input.off('error', this.#broken)
    this.#input.on('error', ignore)
    this.#output.off('resize', this.#events.resized)
    writeInTime(this.#fd, `${RESET}${wiped(this.size)}${LEAVE}`)
    try {
      this.#input.setRawMode(false)
    } catch {
      // The terminal is gone.
    }
    this.#input.pause()
  }

  /** Leaves for good. */
  close(): void {
    this.leave()
    if (this.#fd !== STDOUT_FD) closeSync(this.#fd)
    this.#fd = STDOUT_FD
  }

  /** Writes, now or as soon as the terminal takes it. */
  write(text: string): void {
    if (!this.#isEntered || text === '') return
    const bytes = Buffer.from(text)
    this.#pending = this.#pending === undefined ? bytes : Buffer.concat([this.#pending, bytes])
    this.#push()
  }

  #push(): void {
    clearTimeout(this.#timer)
    try {
      while (this.#pending !== undefined) {
        const written = writeSync(this.#fd, this.#pending)
        this.#pending = written < this.#pending.length ? this.#pending.subarray(written) : undefined
      }
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code !== 'EAGAIN') {
        this.#pending = undefined
        this.#events.lost(code)
        return
      }
      this.#timer = setTimeout(() => this.#push(), AGAIN_MS)
    }
  }

  readonly #leaveAtExit = (): void => this.leave()
  readonly #gone = (): void => this.#events.lost('EIO')
  readonly #broken = ({ code = 'EIO' }: NodeJS.ErrnoException): void => this.#events.lost(code)

  readonly #pressed = (text: string | undefined, { sequence, ...key }: Keypress): void => {
    const { name, meta = false } = key
    const { key: tell } = this.#events
    if (name === 'paste-start' || name === 'paste-end') {
      this.#isPasting = name === 'paste-start'
      return
    }
    const [first, after, ...more] = Array.from(sequence ?? '')
    const isTwo = first === ESC && after !== undefined && after !== ESC && more.length === 0
    if (meta && isTwo && !this.#isPasting) {
      // Escape and a key, so close together that they look like one.
      tell({ name: 'escape' })
      tell({ ...key, text: after, meta: false })
      return
    }
    tell({ ...key, text, isPasted: this.#isPasting })
  }
}

function ignore(): void {
  // A terminal that was given back is nobody's concern.
}

/** Opens the terminal of standard output again, so that writes of this process alone do not wait. */
function openAgain(): number {
  for (const path of ['/dev/fd/1', '/dev/tty']) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    } catch {
      // After su(1) the terminal belongs to another user, who may still write to it through /dev/tty.
    }
  }
  return STDOUT_FD
}

/** Writes as much as the terminal takes within half a second. */
function writeInTime(fd: number, text: string): void {
  let rest = Buffer.from(text)
  for (let tries = 0; tries < LAST_TRIES && rest.length > 0; tries++) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
    }
  }
}
