import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FleetHosts } from '../../test/lab/fleet-hosts.ts'
import { Process } from '../../test/lab/process.ts'
import { scratch } from '../../test/lab/scratch.ts'
import { Share, percentile } from '../row.ts'
import type { Fact, Row, Terms } from '../row.ts'
import type { Claimed } from './claimant.ts'
import { plainRow } from './row.ts'

/** Seconds for which hosts claim. */
const CLAIM_S = 8
const CLAIM_S_QUICK = 4
/** Milliseconds beyond that until a host has said what it did. */
const SAID_MAX_MS = 30_000
/** Claims that wait at a time: at one host, and at each of five. */
const WAITING = 32
const WAITING_OF_FIVE = 16
const HOSTS = 5

/** Claims of one host and of five at once: each a transaction of etcd, and a line of the host's journal on disk. */
export async function fleetClaims(fleet: FleetHosts, on: string, { quick, say }: Terms): Promise<readonly Row[]> {
  const seconds = quick ? CLAIM_S_QUICK : CLAIM_S
  const claim = async (hosts: number, waiting: number): Promise<Claimed> => {
    say(`${on}: claims of ${hosts} hosts, ${waiting} at a time each, for ${seconds} s`)
    const claimants = Array.from({ length: hosts }, () => startClaimant(fleet, waiting, seconds))
    await Promise.all(claimants.map(async (claimant) => await claimant.line(/^seeing$/)))
    for (const claimant of claimants) claimant.kill('SIGUSR2')
    const limitMs = seconds * 1_000 + SAID_MAX_MS
    const said = await Promise.all(claimants.map(async (claimant) => await claimant.line(/^\{/, limitMs)))
    await Promise.all(claimants.map(async (claimant) => await claimant.ended))
    const each = said.map((line) => JSON.parse(line) as Claimed)
    return { won: each.flatMap(({ won }) => won), refused: each.reduce((sum, { refused }) => sum + refused, 0) }
  }
  const [one, many, five] = [await claim(1, 1), await claim(1, WAITING), await claim(HOSTS, WAITING_OF_FIVE)]
  const decided = one.won.length + many.won.length + five.won.length
  const row = (what: string, value: number, unit: string, fact: Fact = 'shown'): Row =>
    plainRow(`claims, etcd on ${on}: ${what}`, value, unit, on === 'disk' ? fact : undefined)
  return [
    row('one host, one at a time, p50', percentile(one.won, 0.5), 'ms'),
    row('one host, one at a time, p99', percentile(one.won, 0.99), 'ms'),
    row(`one host, ${WAITING} at a time`, many.won.length / seconds, 'a second'),
    row(`${HOSTS} hosts, ${WAITING_OF_FIVE} at a time each`, five.won.length / seconds, 'a second', 'claimsPerS'),
    row(`${HOSTS} hosts, ${WAITING_OF_FIVE} at a time each, p50`, percentile(five.won, 0.5), 'ms'),
    row(`${HOSTS} hosts, ${WAITING_OF_FIVE} at a time each, p99`, percentile(five.won, 0.99), 'ms'),
    {
      measure: `claims, etcd on ${on}: decided within 3 s`,
      ours: new Share(decided, decided + one.refused + many.refused + five.refused),
      theirs: undefined,
    },
  ]
}

let count = 0

function startClaimant(fleet: FleetHosts, waiting: number, seconds: number): Process {
  const { conf } = fleet.enrol(`claimant${++count}`)
  const program = fileURLToPath(new URL('claimant.js', import.meta.url))
  const journal = join(scratch('claimant'), 'journal')
  return new Process([process.execPath, program, conf, journal, String(waiting), String(seconds)])
}
