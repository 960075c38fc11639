import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import type { Host } from './net.ts'
import type { Output, Process } from './process.ts'
import { MODULES, PROJECT } from './project.ts'
import { scratch } from './scratch.ts'

/**
 * A process on a host that runs one command of postern(8) after another. For tests that are about what a command does: a start of the
 * program takes longer than the command.
 */
export class Commands {
  readonly #path: string
  readonly #ready: Promise<unknown>

  /** @param start starts a program where the commands are to run */
  constructor(start: (argv: readonly string[]) => Process) {
    this.#path = scratch('commands')
    const argv = [process.execPath, join(PROJECT, 'test/lab/commands.mjs'), this.#path, MODULES]
    this.#ready = start(argv).line(/^ready$/)
    // Whoever runs a command sees the error.
    this.#ready.catch(() => undefined)
  }

  static on(host: Host): Commands {
    return new Commands((argv) => host.start(argv))
  }

  /** Runs a command of postern(8) to its end. */
  async run(...argv: readonly string[]): Promise<Output> {
    await this.#ready
    const socket = connect({ path: this.#path, allowHalfOpen: true })
    socket.end(JSON.stringify(argv))
    return JSON.parse(await text(socket)) as Output
  }
}
