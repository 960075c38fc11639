import { writeFileSync } from 'node:fs'
import { afterEach } from 'vitest'
import { postern, statusOf } from './guarded.ts'
import { startAgain, startKnockd, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, pair } from './net.ts'
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
  readonly #args: readonly string[]
  #network: Pick<Shared, 'server' | 'client'> | undefined
  #daemon: Knockd | undefined
  #reloads = 0

  /** @param args of knockd, behind its config */
  constructor(args: readonly string[] = ['-i', 'eth0']) {
    this.#args = args
  }

  /** The daemon that runs, or that ran last. */
  get daemon(): Knockd {
    return this.#daemon!
  }

  /** The network, without sockets of earlier tests. */
  async network(): Promise<Pick<Shared, 'server' | 'client'>> {
    if (this.#network === undefined) this.#network = await pair()
    else for (const host of Object.values(this.#network)) await host.resident.close()
    return this.#network
  }

  /** Gives the daemon the config of a test, as {@link reload} does, on the network without sockets of earlier tests. */
  async with(config: string): Promise<Shared> {
    await this.network()
    return await this.reload(config)
  }

  /**
   * Gives the daemon another config, and returns once that is in force. Nothing is open then, the client is not ignored,
   * and the daemon has said nothing.
   */
  async reload(config: string): Promise<Shared> {
    const network = (this.#network ??= await pair())
    const daemon = (this.#daemon ??= await startKnockd({ host: network.server, config, args: this.#args }))
    // A door by which the config is known to be in force.
    const mark = `reload${++this.#reloads}`
    if (this.#reloads === 1) return { ...network, daemon }
    const text = `${config}\n[${mark}]\nSequence = 61001:udp,1777:udp,33009:udp\nStart_Command = true\n`
    writeFileSync(daemon.file, withStateDir(text, daemon.stateDir))
    if (daemon.process.exit === undefined) {
      await postern(network.server, daemon, 'close', '--all')
      daemon.process.forget()
      daemon.process.kill('SIGHUP')
      // Whatever was said before comes before that.
      await daemon.process.line(/re-reading config/)
      daemon.process.forget()
      await until('the other config', async () =>
        (await statusOf(network.server, daemon)).doors.some(({ name }) => name === mark),
      )
      for (const source of [CLIENT_4, CLIENT_6]) await postern(network.server, daemon, 'forgive', source)
    } else {
      await this.again()
      await postern(network.server, this.#daemon, 'close', '--all')
    }
    return { ...network, daemon: this.#daemon }
  }

  /** Starts the daemon again, after it has ended, with its config and its state. */
  async again(): Promise<Process> {
    const process = await startAgain(this.#network!.server, this.#daemon!, this.#args)
    this.#daemon = { ...this.#daemon!, process }
    return process
  }
}
