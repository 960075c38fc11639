import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FleetHosts } from '../../test/lab/fleet-hosts.ts'
import { Host } from '../../test/lab/net.ts'
import type { Process } from '../../test/lab/process.ts'
import { percentile } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { loadOf, watchCosts } from './load.ts'
import type { Load, Pair } from './load.ts'
import { Records } from './records.ts'
import { plainRow } from './row.ts'

const HOSTS = 50
/** Processes that the hosts share, so that the runtime's memory and start are not paid for each. */
const PROCESSES = 5
/** Seconds of each part: signs of life come every ten. */
const PART_S = 20
const PART_S_QUICK = 10
/** Claims a second, while hosts are told. */
const CLAIMS_PER_S = 20
const SECOND_MS = 1_000
/** Milliseconds until all hosts are connected, and until they are at rest. */
const SEEING_MAX_MS = 60_000
const SETTLE_MS = 3_000
/** Milliseconds until all are told of a claim. */
const TOLD_MAX_MS = 10_000
const NS_PER_MS = 1e6

/** Hosts that watch: the time until the last one is told of a claim, and what they cost etcd. */
export async function fleetWatch(fleet: FleetHosts, { quick, say }: Terms): Promise<readonly Row[]> {
  const seconds = quick ? PART_S_QUICK : PART_S
  const machine = await Host.make('watchers')
  await fleet.cluster.attach(machine)
  const watch = new Watching(fleet, machine, seconds)
  say(`etcd alone, and with ${CLAIMS_PER_S} claims a second: ${seconds} s each`)
  const without = await watch.pair([])
  say(`the same with ${HOSTS} hosts that watch`)
  const processes = await startWatchers(fleet, machine)
  const { stdout } = await machine.run(['ss', '-Htn', 'state', 'established', 'dport', '=', ':2379'])
  const connections = stdout.split('\n').filter(Boolean).length / HOSTS
  watch.told.length = 0
  const withHosts = await watch.pair(processes)
  await Promise.all(processes.map(async (each) => await each.stop()))
  const costs = watchCosts(without, withHosts, HOSTS)
  return [
    plainRow(
      `${HOSTS} hosts watch: from the claim to the last one told, p50`,
      percentile(watch.told, 0.5),
      'ms',
      'shown',
    ),
    plainRow(`  p99 of ${watch.told.length}`, percentile(watch.told, 0.99), 'ms', 'shown'),
    plainRow('a host at rest: connections to etcd', connections, '', 'connections'),
    plainRow('a host at rest: traffic, both ways', costs.restBytes, 'bytes a second', 'restBytes'),
    plainRow("a host at rest: etcd's CPU, three nodes", costs.restCpuMs, 'ms a second', 'restCpuMs'),
    plainRow("a host at rest: etcd's private memory, three nodes", costs.memoryKiB, 'KiB', 'memoryKiB'),
    plainRow("a sign of life: etcd's database", costs.signBytes, 'bytes', 'signBytes'),
    plainRow("a claim: etcd's CPU, three nodes", costs.claimCpuMs, 'ms', 'claimCpuMs'),
    plainRow('a host told of a claim: traffic, both ways', costs.toldBytes, 'bytes', 'toldBytes'),
    plainRow("a host told of a claim: etcd's CPU, three nodes", costs.toldCpuMs, 'ms', 'toldCpuMs'),
  ]
}

async function startWatchers(fleet: FleetHosts, machine: Host): Promise<readonly Process[]> {
  const hosts = Array.from({ length: HOSTS }, (_, at) => ({
    name: `watch${at}`,
    groups: [],
    ...fleet.enrol(`watch${at}`),
  }))
  await fleet.publish(hosts)
  const program = fileURLToPath(new URL('watchers.js', import.meta.url))
  const each = HOSTS / PROCESSES
  const processes = Array.from({ length: PROCESSES }, (_, at) =>
    machine.start([process.execPath, program, ...hosts.slice(at * each, (at + 1) * each).map(({ conf }) => conf)]),
  )
  await Promise.all(processes.map(async (one) => await one.line(/^seeing$/, SEEING_MAX_MS)))
  await sleep(SETTLE_MS)
  return processes
}

class Watching {
  /** Milliseconds from each claim until the last host was told. */
  readonly told: number[] = []
  readonly #fleet: FleetHosts
  readonly #machine: Host
  readonly #seconds: number
  readonly #records: Records

  constructor(fleet: FleetHosts, machine: Host, seconds: number) {
    this.#fleet = fleet
    this.#machine = machine
    this.#seconds = seconds
    this.#records = new Records(fleet)
  }

  /** Looks at a time without claims, and at one with them. */
  async pair(watchers: readonly Process[]): Promise<Pair> {
    const rest = await this.#between(async () => await sleep(this.#seconds * SECOND_MS))
    const claims = this.#seconds * CLAIMS_PER_S
    const busy = await this.#between(async () => await this.#claim(claims, watchers))
    return { rest, busy, claims }
  }

  async #between(act: () => Promise<unknown>): Promise<readonly [Load, Load]> {
    const before = await loadOf(this.#fleet.cluster, this.#machine)
    await act()
    return [before, await loadOf(this.#fleet.cluster, this.#machine)]
  }

  async #claim(count: number, watchers: readonly Process[]): Promise<void> {
    const etcd = this.#fleet.cluster.client()
    const begun = performance.now()
    for (let claim = 0; claim < count; claim++) {
      await sleep(Math.max(0, begun + (claim * SECOND_MS) / CLAIMS_PER_S - performance.now()))
      const { key, value } = this.#records.next()
      const at = process.hrtime.bigint()
      const { revision } = await etcd.txn([{ key, version: 0 }], [{ put: key, value }], [{ get: key }])
      const lines = await Promise.all(
        watchers.map(async (each) => await each.line(new RegExp(`^told ${revision} `), TOLD_MAX_MS)),
      )
      const last = lines
        .map((line) => BigInt(line.split(' ')[2]!))
        .reduce((one, other) => (one > other ? one : other), at)
      if (lines.length > 0) this.told.push(Number(last - at) / NS_PER_MS)
    }
  }
}
