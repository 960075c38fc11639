import { Failure } from '../../cli/fault.ts'
import type { Key } from '../watch/editor.ts'
import { Screen, wiped } from '../watch/screen.ts'
import type { Typed } from '../../totp/app-code.ts'
import type { Card } from './card.ts'
import { rowsOf } from './view.ts'
import type { View } from './view.ts'

/** The longest line that is typed, in characters: a code with blanks. */
const LINE_MAX_CHARS = 16
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A line that was typed, and the time from its first character to Enter. */
export interface Line extends Typed {
  readonly text: string
}

/** Somebody who looks at one card at a time. Both methods throw Failure if they stop, or their terminal is gone. */
export interface Viewer {
  /** Shows a card until Enter is pressed. */
  readonly show: (card: Card, notes?: readonly string[]) => Promise<void>
  /** Shows a card, and asks for a line of digits. */
  readonly ask: (card: Card, question: string, notes?: readonly string[]) => Promise<Line>
  /** Gives the terminal back: nothing of what was shown is left on it. */
  readonly close: () => void
}

/** Opens the terminal of this process; `undefined`: the process has no terminal, or one without control sequences. */
export function openViewer(): Viewer | undefined {
  const { stdin, stdout, env } = process
  return stdin.isTTY && stdout.isTTY && (env['TERM'] ?? 'dumb') !== 'dumb' ? new TerminalViewer() : undefined
}

/** A viewer on the other screen of the terminal, which has no scrollback. */
class TerminalViewer implements Viewer {
  readonly #screen: Screen
  #view: View | undefined
  #isText = false
  #question: string | undefined
  #typed = ''
  #typedFromMs = 0
  #drawn = 0
  #done: (line: Line) => void = () => undefined
  #fail: (error: Failure) => void = () => undefined
  #failure: Failure | undefined

  constructor() {
    this.#screen = new Screen(process.stdin, process.stdout, {
      key: (key) => this.#press(key),
      resized: () => void this.#draw(),
      lost: () => this.#stop('the terminal is gone'),
    })
    for (const name of SIGNALS) process.on(name, this.#signalled)
    // A stop would leave the secret on the screen.
    process.on('SIGTSTP', ignore)
    process.on('SIGCONT', this.#continued)
  }

  async show(card: Card, notes: readonly string[] = []): Promise<void> {
    await this.#look(card, undefined, notes)
  }

  async ask(card: Card, question: string, notes: readonly string[] = []): Promise<Line> {
    return await this.#look(card, question, notes)
  }

  close(): void {
    this.#view = undefined
    this.#screen.close()
    for (const name of SIGNALS) process.off(name, this.#signalled)
    process.off('SIGTSTP', ignore)
    process.off('SIGCONT', this.#continued)
  }

  async #look(card: Card, question: string | undefined, notes: readonly string[]): Promise<Line> {
    if (this.#view?.card !== card) this.#isText = false
    this.#view = { card, notes, isText: this.#isText }
    this.#question = question
    this.#typed = ''
    return await new Promise<Line>((resolve, reject) => {
      this.#done = resolve
      this.#fail = reject
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#screen.enter()
      void this.#draw()
    })
  }

  #press({ name, text = '', ctrl, meta, isPasted }: Key): void {
    if (ctrl === true && (name === 'c' || name === 'd')) return this.#stop('stopped')
    if (name === 'return' || name === 'enter') {
      const toMs = Date.now()
      return this.#done({ text: this.#typed.trim(), fromMs: this.#typed === '' ? toMs : this.#typedFromMs, toMs })
    }
    if (ctrl === true && name === 'u') this.#typed = ''
    else if (name === 'backspace') this.#typed = this.#typed.slice(0, -1)
    else if (text === 't' && isPasted !== true) this.#isText = !this.#isText
    else if (ctrl !== true && meta !== true) this.#type(text)
    void this.#draw()
  }

  #type(text: string): void {
    if (this.#question === undefined || !/^[0-9 ]+$/.test(text)) return
    if (this.#typed === '') this.#typedFromMs = Date.now()
    this.#typed = `${this.#typed}${text}`.slice(0, LINE_MAX_CHARS)
  }

  #stop(why: string): void {
    this.#failure = new Failure(`${why}: nothing was written`)
    this.#fail(this.#failure)
  }

  readonly #signalled = (): void => this.#stop('stopped')
  readonly #continued = (): void => void this.#draw()

  async #draw(): Promise<void> {
    if (this.#view === undefined) return
    const turn = ++this.#drawn
    const prompt = this.#question === undefined ? {} : { prompt: `${this.#question}: ${this.#typed}_` }
    const rows = await rowsOf({ ...this.#view, isText: this.#isText, ...prompt }, this.#screen.size)
    if (turn !== this.#drawn || this.#view === undefined) return
    this.#screen.write(`${wiped(this.#screen.size)}${rows.join('\r\n')}`)
  }
}

function ignore(): void {
  // The process goes on.
}
