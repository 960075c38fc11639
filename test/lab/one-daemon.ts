import { writeFileSync } from 'node:fs'
import { afterEach } from 'vitest'
import { postern, statusOf } from './guarded.ts'
import { startAgain, startKnockd, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'

/** The daemon of one test at a time, which is stopped when the test ends. */
export class OneDaemon {
  /** The process that was started last. */
  running: Process | undefined

  /** For a whole test file. */
  constructor() {
    afterEach(async () => {
      await this.running?.stop()
      this.running = undefined
    })
  }

  async start(host: Host, config: string): Promise<Knockd> {
    const daemon = await startKnockd({ host, config })
    this.running = daemon.process
    return daemon
  }

  /** Starts it again, with the config and the state of one that has ended. */
  async again(host: Host, daemon: Knockd): Promise<Process> {
    this.running = await startAgain(host, daemon)
    return this.running
  }
}

/** Where a test is that shares its network and its daemon with the other tests of its file. */
export interface Shared {
  readonly server: Host
  readonly client: Host
  readonly daemon: Knockd
}

/** A daemon that the tests of a file share, on one network. A reload for each test costs much less than a start. */
export class SharedDaemon {
  #shared: Shared | undefined
  #reloads = 0

  /**
   * Gives the daemon the config of a test, and returns once that is in force. Nothing is open then, no sockets of earlier
   * tests are there, and the daemon has said nothing.
   */
  async with(config: string): Promise<Shared> {
    if (this.#shared === undefined) {
      const network = await pair()
      this.#shared = { ...network, daemon: await startKnockd({ host: network.server, config }) }
      return this.#shared
    }
    const { server, client, daemon } = this.#shared
    for (const host of [server, client]) await host.resident.close()
    // A door by which the config is known to be in force.
    const mark = `reload${++this.#reloads}`
    const text = `${config}\n[${mark}]\nSequence = 1:udp,2:udp,3:udp,4:udp\nStart_Command = true\n`
    writeFileSync(daemon.file, withStateDir(text, daemon.stateDir))
    if (daemon.process.exit === undefined) {
      await postern(server, daemon, 'close', '--all')
      daemon.process.forget()
      daemon.process.kill('SIGHUP')
      // Whatever was said before comes before that.
      await daemon.process.line(/re-reading config/)
      daemon.process.forget()
      await until('the other config', async () =>
        (await statusOf(server, daemon)).doors.some(({ name }) => name === mark),
      )
    } else {
      await this.again()
      await postern(server, daemon, 'close', '--all')
    }
    return this.#shared
  }

  /** Starts the daemon again, after it has ended, with its config and its state. */
  async again(): Promise<Process> {
    const { daemon, ...network } = this.#shared!
    const process = await startAgain(network.server, daemon)
    this.#shared = { ...network, daemon: { ...daemon, process } }
    return process
  }
}
