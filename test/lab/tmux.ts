import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { Host } from './net.ts'
import { LINE_LIMIT_MS } from './lines.ts'
import { run, until } from './process.ts'
import { TmuxControl } from './tmux-control.ts'

/** A terminal to open. */
export interface TmuxStart {
  readonly host: Host
  readonly columns: number
  readonly rows: number
  readonly env?: Readonly<Record<string, string>>
}

let count = 0

/** A real terminal, in a server of tmux(1) of its own on a host: what is typed goes in, and its screen is read. */
export class Tmux {
  readonly #host: Host
  readonly #socket: string
  readonly #control: TmuxControl

  private constructor(host: Host, socket: string, control: TmuxControl) {
    this.#host = host
    this.#socket = socket
    this.#control = control
  }

  /** Opens a terminal with a shell. */
  static async start({ host, columns, rows, env = {} }: TmuxStart): Promise<Tmux> {
    const socket = join(tmpdir(), `postern-tmux-${process.pid}-${++count}`)
    const size = ['-x', String(columns), '-y', String(rows)]
    const shell = [
      'env',
      '-u',
      'TMUX',
      'PS1=$ ',
      'ENV=',
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      'sh',
      '-i',
    ]
    await host.run(['tmux', '-S', socket, '-f', '/dev/null', 'new-session', '-d', ...size, ...shell])
    const terminal = new Tmux(host, socket, await TmuxControl.attach(socket))
    await terminal.#tmux('set-option', '-g', 'status', 'off')
    // Without the row for the status, the window is as high as was asked for.
    await terminal.#tmux('resize-window', ...size)
    await terminal.#tmux('set-option', '-g', 'escape-time', '0')
    await terminal.shows(/^\$ ?$/m)
    return terminal
  }

  /** Takes the other screen away, as terminals without one, and screen(1) as it comes. */
  async withoutOtherScreen(): Promise<void> {
    await this.#tmux('set-option', '-g', 'alternate-screen', 'off')
  }

  /** Types text as it stands. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '--', text)
  }

  /** Presses keys by the names that tmux has for them: `Enter`, `Escape`, `C-z`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  /** Types a line and Enter. */
  async line(text: string): Promise<void> {
    await this.type(text)
    await this.press('Enter')
  }

  /** Pastes text, in brackets if the program has asked for that. */
  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', text)
    await this.#tmux('paste-buffer', '-p')
  }

  /** The rows on the screen. @param codes true: with their styles as control sequences, and blanks at their ends */
  async screen(codes = false): Promise<readonly string[]> {
    return (await this.#tmux('capture-pane', '-p', ...(codes ? ['-e', '-N'] : []))).split('\n')
  }

  /** All rows that the terminal has kept: those that have scrolled away, and those on the screen. */
  async history(): Promise<string> {
    return await this.#tmux('capture-pane', '-p', '-S', '-')
  }

  /** A format of tmux(1), such as `#{cursor_flag}`. */
  async format(text: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', text)).trim()
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** Waits until the screen matches. Throws with the screen if it never does. */
  async shows(pattern: RegExp, limitMs = LINE_LIMIT_MS): Promise<string> {
    let text = ''
    try {
      await until(
        `the screen shows ${pattern}`,
        async () => {
          text = (await this.screen()).join('\n')
          return pattern.test(text)
        },
        limitMs,
      )
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${text}`, { cause: error })
    }
    return text
  }

  /** The process that runs in the terminal below the shell. */
  async pid(): Promise<number> {
    const shell = await this.format('#{pane_pid}')
    const { stdout } = await run(['ps', '--ppid', shell, '-o', 'pid=', '--no-headers'], { mayFail: true })
    return Number(stdout.trim().split('\n').at(-1))
  }

  /** Ends the server, and everything in the terminal. */
  async close(): Promise<void> {
    await this.#host.run(['tmux', '-S', this.#socket, 'kill-server'], { mayFail: true })
    await this.#control.ended
    rmSync(this.#socket, { force: true })
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    return await this.#control.run(args)
  }
}
