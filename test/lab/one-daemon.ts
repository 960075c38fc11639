import { afterEach } from 'vitest'
import { startAgain, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import type { Host } from './net.ts'
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
