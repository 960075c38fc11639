import { fileURLToPath } from 'node:url'
import { Process } from '../test/lab/process.ts'
import { SEQUENCE } from './peers.ts'
import { SERVER, SERVICE_PORT } from './world.ts'
import type { World } from './world.ts'

/** Milliseconds after which a knock is given up. */
export const GIVE_UP_MS = 5_000
/** Milliseconds that a door is waited for to shut again: longer than any is open. */
const SHUT_MAX_MS = 20_000

/** A client that knocks when it is told to. */
export class Knocker {
  readonly #process: Process
  #isOpen = false

  private constructor(process: Process) {
    this.#process = process
  }

  /** Starts a client in a world and waits until it is ready. */
  static async start(world: World): Promise<Knocker> {
    const client = fileURLToPath(new URL('knocker.js', import.meta.url))
    const argv = [process.execPath, client, SERVER, SEQUENCE.join(','), SERVICE_PORT, GIVE_UP_MS].map(String)
    const knocker = new Knocker(new Process(argv, { ns: world.client }))
    await knocker.#process.line(/^ready$/)
    return knocker
  }

  /**
   * Knocks, once the port is shut. Returns milliseconds from the last SYN to the completed `connect()`; `undefined`: it
   * did not open within {@link GIVE_UP_MS}.
   */
  async knock(): Promise<number | undefined> {
    if (this.#isOpen) await this.#process.line(/^shut$/, SHUT_MAX_MS)
    this.#process.kill('SIGUSR2')
    const line = await this.#process.line(/^(missed|[\d.]+)$/, GIVE_UP_MS + SHUT_MAX_MS)
    this.#isOpen = true
    return line === 'missed' ? undefined : Number(line)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }
}

/** Knocks and connects, so many times, each time once the port is shut again. See {@link Knocker.knock}. */
export async function knockAndConnect(world: World, times: number): Promise<readonly (number | undefined)[]> {
  const knocker = await Knocker.start(world)
  const found: (number | undefined)[] = []
  for (let round = 0; round < times; round++) found.push(await knocker.knock())
  await knocker.stop()
  return found
}
