import { fileURLToPath } from 'node:url'
import { Process } from '../test/lab/process.ts'
import { SEQUENCE } from './peers.ts'
import { SERVER, SERVICE_PORT } from './world.ts'
import type { World } from './world.ts'

/** Milliseconds after which a knock is given up. */
export const GIVE_UP_MS = 5_000

/**
 * Knocks and connects, so many times, each time once the port is shut again. Gives, for each, milliseconds from the last
 * SYN to the completed `connect()`; `undefined`: it did not open within {@link GIVE_UP_MS}.
 */
export async function knockAndConnect(world: World, times: number): Promise<readonly (number | undefined)[]> {
  const client = fileURLToPath(new URL('knocker.js', import.meta.url))
  const argv = [process.execPath, client, SERVER, SEQUENCE.join(','), SERVICE_PORT, times, GIVE_UP_MS].map(String)
  const knocker = new Process(argv, { ns: world.client })
  const { code } = await knocker.ended
  if (code !== 0) throw new Error(`the knocker failed:\n${knocker.lines.join('\n')}`)
  return knocker.lines.map((line) => (line === 'missed' ? undefined : Number(line)))
}
