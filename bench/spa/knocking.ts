import { fileURLToPath } from 'node:url'
import { Process } from '../../test/lab/process.ts'
import { SERVER, SERVICE_PORT } from '../world.ts'
import type { World } from '../world.ts'
import { validPackets } from './packets.ts'
import type { Format } from './packets.ts'
import { SPA_PORT } from './peers.ts'

/** First of the addresses that the client has beside its own: 10.200.0.100. */
const FIRST_HOST = 100

/** A client that has packets ready, each for another of its addresses: no door has to shut before the next opens. */
export class Knocking {
  readonly #world: World
  readonly #file: string

  private constructor(world: World, file: string) {
    this.#world = world
    this.#file = file
  }

  /** Gives the client its addresses, and makes its packets; they are good for two minutes. */
  static async prepare(world: World, format: Format, times: number): Promise<Knocking> {
    const addresses = Array.from({ length: times }, (_, index) => `10.200.0.${FIRST_HOST + index}`)
    for (const address of addresses) await world.ip(world.client, `addr add ${address}/24 dev eth0`)
    const packets = validPackets(format, addresses)
    const lines = packets.map((packet, index) => `${addresses[index]} ${Buffer.from(packet).toString('hex')}\n`)
    return new Knocking(world, world.file('honest', lines.join('')))
  }

  /** Sends them. Gives, for each, milliseconds from the packet to the completed `connect()`; `undefined`: it did not open. */
  async knock(giveUpMs: number): Promise<readonly (number | undefined)[]> {
    const client = fileURLToPath(new URL('knocker.js', import.meta.url))
    const argv = [process.execPath, client, SERVER, SPA_PORT, SERVICE_PORT, this.#file, giveUpMs].map(String)
    const knocker = new Process(argv, { ns: this.#world.client })
    const { code } = await knocker.ended
    if (code !== 0) throw new Error(`the knocker failed:\n${knocker.lines.join('\n')}`)
    return knocker.lines.map((line) => (line === 'missed' ? undefined : Number(line)))
  }
}
