import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'

/** Waits for the answer to a command. */
interface Waiting {
  readonly words: string
  resolve(text: string): void
  reject(error: Error): void
}

/** A client of a server of tmux(1) in its control mode: a command costs no process. */
export class TmuxControl {
  /** Settles when the client has ended. */
  readonly ended: Promise<unknown>
  readonly #client: ChildProcessWithoutNullStreams
  /** Those whose answers are still to come, in order. The client answers its own attaching first. */
  readonly #waiting: Waiting[] = []
  /** The lines of the answer that is being read. */
  #answer: string[] | undefined
  #rest = ''

  private constructor(socket: string) {
    // Neither does it change the size of the window, nor is it told what programs print.
    const words = ['-S', socket, '-C', 'attach-session', '-f', 'ignore-size,no-output']
    this.#client = spawn('tmux', words, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    this.#client.stdin.on('error', () => undefined)
    this.#client.stdout.setEncoding('utf8')
    this.#client.stdout.on('data', (text: string) => this.#read(text))
    this.ended = once(this.#client, 'close')
    this.ended.then(
      () => this.#end(new Error('tmux has ended')),
      (error: unknown) => this.#end(error as Error),
    )
  }

  /** Attaches a client to a server that has a session. Throws when there is none. */
  static async attach(socket: string): Promise<TmuxControl> {
    const control = new TmuxControl(socket)
    await control.#answerOf('attach-session')
    return control
  }

  /** Runs a command, and returns what it prints. Throws with the message of tmux when it fails. */
  async run(words: readonly string[]): Promise<string> {
    const line = words.map(quoted).join(' ')
    this.#client.stdin.write(`${line}\n`)
    return await this.#answerOf(line)
  }

  async #answerOf(words: string): Promise<string> {
    return await new Promise((resolve, reject) => {
      if (this.#client.exitCode !== null) reject(new Error(`tmux has ended: ${words}`))
      else this.#waiting.push({ words, resolve, reject })
    })
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#take(line)
  }

  #take(line: string): void {
    // The screen of a program might hold such a line, too; that of no test does.
    const [, guard] = /^%(begin|end|error) \d+ \d+ \d+$/.exec(line) ?? []
    if (guard === 'begin') this.#answer = []
    else if (guard === undefined) this.#answer?.push(line)
    else {
      const waiting = this.#waiting.shift()
      const answer = this.#answer?.map((each) => `${each}\n`).join('') ?? ''
      this.#answer = undefined
      if (guard === 'end') waiting?.resolve(answer)
      else waiting?.reject(new Error(`tmux ${waiting.words}: ${answer}`))
    }
  }

  #end(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}

/** A word in the syntax of tmux(1), on one line. */
function quoted(word: string): string {
  return `"${word.replaceAll(/[\\"$]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`
}
