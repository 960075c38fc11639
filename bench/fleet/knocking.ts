import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FleetHosts, Member } from '../../test/lab/fleet-hosts.ts'
import { scratch } from '../../test/lab/scratch.ts'
import { GIVE_UP_MS } from '../knocking.ts'
import { figure, percentile, times } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import type { Party } from './knocker.ts'

const KNOCKS = 200
const KNOCKS_QUICK = 60
/** Knocks ahead of those that count: the daemons and the client have run once then. */
const WARM_UP = 5
const SERVICE_PORT = 22
/** Addresses that the client knocks from. */
const SOURCES = '10.77.0.0/16'
/** Milliseconds that one knock may take, in all. */
const KNOCK_MAX_MS = 2_000
/** Seconds that a door is open: no address knocks twice. */
const OPEN_S = 3

type Where = 'alone' | 'here' | 'there'

/**
 * From the last SYN to a completed `connect()`: at a door with `Scope = host`; at the same one with `Scope = fleet`; and at
 * another host that the knocked one tells. One-time sequences open them, in turn.
 */
export async function fleetKnocks(fleet: FleetHosts, on: string, { quick, say }: Terms): Promise<readonly Row[]> {
  const count = WARM_UP + (quick ? KNOCKS_QUICK : KNOCKS)
  say(`${on}: ${count - WARM_UP} knocks each: one host's own door, the fleet's, and another host's`)
  const [own, shared, others] = [sequences(0, count), sequences(count, 2 * count), sequences(3 * count, 1)]
  const alone = await fleet.add('alone', [], door('host', own, ''))
  const bastion = await fleet.add('bastion', ['edge'], door('fleet', shared, 'Opens_On = web'))
  const web = await fleet.add('web', ['web'], door('fleet', others, ''))
  await fleet.publish()
  for (const { host } of [alone, bastion, web]) await host.ip(`route add ${SOURCES} dev eth1`)
  await fleet.client.ip(`route add local ${SOURCES} dev lo`)
  const turns = (at: 0 | 1): readonly (readonly number[])[] => shared.filter((_, index) => index % 2 === at)
  const parties = [
    party('alone', alone, alone, own),
    party('here', bastion, bastion, turns(0)),
    party('there', bastion, web, turns(1)),
  ]
  const found = await knockAll(fleet, parties)
  for (const { process } of [alone, bastion, web]) await process.stop()
  return rowsOf(on, found)
}

function party(name: Where, at: Member, look: Member, list: readonly (readonly number[])[]): Party {
  return {
    name,
    at: at.address,
    look: look.address,
    sequences: list,
    service: SERVICE_PORT,
    giveUpMs: GIVE_UP_MS,
  }
}

async function knockAll(fleet: FleetHosts, parties: readonly Party[]): Promise<Record<Where, number[]>> {
  const knocker = fileURLToPath(new URL('knocker.js', import.meta.url))
  const process = fleet.client.start([globalThis.process.execPath, knocker, JSON.stringify(parties)])
  const found: Record<Where, number[]> = { alone: [], here: [], there: [] }
  const rounds = parties[0]!.sequences.length
  for (let knock = 0; knock < rounds * parties.length; knock++) {
    const line = await process.line(/^(alone|here|there) /, GIVE_UP_MS + KNOCK_MAX_MS)
    const [name, ms] = line.split(' ') as [Where, string]
    if (ms === 'missed') throw new Error(`${name}: a knock did not open`)
    if (knock >= WARM_UP * parties.length) found[name].push(Number(ms))
  }
  await process.ended
  return found
}

/** Returns sequences of three ports that differ in the last two. */
function sequences(from: number, count: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, index) => [7_301, 10_000 + from + index, 20_000 + from + index])
}

function door(scope: 'host' | 'fleet', list: readonly (readonly number[])[], more: string): string {
  const file = scratch('sequences')
  writeFileSync(file, list.map((ports) => ` ${ports.join()}\n`).join(''), { mode: 0o600 })
  return `[ssh]\nOne_Time_Sequences = ${file}\nScope = ${scope}\nOpen_Ports = tcp/${SERVICE_PORT}\nOpen_For = ${OPEN_S}s\n${more}\n`
}

function rowsOf(on: string, { alone, here, there }: Record<Where, number[]>): readonly Row[] {
  const row = (where: string, found: readonly number[], share: number): Row => {
    const [ours, theirs] = [percentile(found, share), percentile(alone, share)]
    return {
      measure: `knock to open, etcd on ${on}: ${where}, p${share * 100} of ${found.length}`,
      ours: figure(ours, 'ms'),
      theirs: figure(theirs, 'ms'),
      peer: 'Scope = host',
      // What the fleet costs: above 1, it takes longer.
      ratio: times(ours, theirs),
      ...(on === 'disk' ? { fact: 'shown' } : {}),
    }
  }
  return [0.5, 0.99].flatMap((share) => [row('the knocked host', here, share), row('another host', there, share)])
}
