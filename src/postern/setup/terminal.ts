import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { Failure, UsageError } from '../../cli/fault.ts'

/** The most invalid answers to one question. */
const TRIES_MAX = 5

/** A person at a terminal. */
export class Terminal {
  readonly #lines: string[] = []
  readonly #reader: Interface
  readonly #output: Writable
  #closed = false
  #wake: () => void = () => undefined

  constructor(input: Readable, output: Writable, isTerminal: boolean) {
    this.#output = output
    this.#reader = createInterface({ input, output, terminal: isTerminal })
    this.#reader.on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    this.#reader.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  /**
   * Asks a question until the answer can be read. An empty answer means the usual one.
   *
   * @param usual the answer in brackets; `undefined`: there is no such answer
   * @throws Failure if the terminal is closed, or after too many invalid answers
   */
  async ask<T>(question: string, usual: string | undefined, read: (text: string) => T): Promise<T> {
    for (let tries = 1; ; tries++) {
      this.#reader.setPrompt(`${question}${usual === undefined ? '' : ` [${usual}]`}: `)
      this.#reader.prompt()
      const line = (await this.#next()).trim()
      try {
        return read(line === '' && usual !== undefined ? usual : line)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        this.#output.write(`  ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint}`}\n`)
        if (tries === TRIES_MAX) throw new Failure('too many invalid answers: nothing has changed')
      }
    }
  }

  close(): void {
    this.#reader.close()
  }

  async #next(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#closed) throw new Failure('the terminal was closed: nothing has changed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift()!
  }
}
