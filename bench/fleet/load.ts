import type { EtcdCluster } from '../../test/lab/etcd.ts'
import type { Host } from '../../test/lab/net.ts'
import { privateOf, usageOf } from '../usage.ts'

/** The work of a cluster and of a machine with hosts so far. */
export interface Load {
  /** When it was looked at, milliseconds of the steady clock. */
  readonly at: number
  /** Milliseconds of CPU of all nodes. */
  readonly cpuMs: number
  /** Private memory of all nodes in KiB. */
  readonly memoryKiB: number
  /** Bytes in use in the database of a node, and its revision. */
  readonly dbBytes: number
  readonly revision: number
  /** Bytes that the machine's hosts have received and sent. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Looks at a cluster, and at the interface of a machine that is attached to it. */
export async function loadOf(cluster: EtcdCluster, machine: Host): Promise<Load> {
  const { dbSizeInUse, revision } = await cluster.client().statusOf(cluster.endpoints[0]!)
  const [receivedBytes, sentBytes] = await trafficOf(machine)
  return {
    at: performance.now(),
    cpuMs: sum(cluster.pids.map((pid) => usageOf(pid).cpuMs)),
    memoryKiB: sum(cluster.pids.map((pid) => privateOf(pid).ownMiB * 1_024)),
    dbBytes: dbSizeInUse,
    revision: Number(revision),
    receivedBytes,
    sentBytes,
  }
}

/** Returns the bytes that a machine has received and sent on the network of the cluster, headers included. */
export async function trafficOf(machine: Host): Promise<readonly [received: number, sent: number]> {
  const files = ['rx', 'tx'].map((way) => `/sys/class/net/eth1/statistics/${way}_bytes`)
  const { stdout } = await machine.run(['cat', ...files])
  const [received = 0, sent = 0] = stdout.split('\n').map(Number)
  return [received, sent]
}

/** A time without claims, and one as long with them. */
export interface Pair {
  readonly rest: readonly [before: Load, after: Load]
  readonly busy: readonly [before: Load, after: Load]
  /** The claims in the second one. */
  readonly claims: number
}

/** The costs of one host that watches. */
export interface WatchCosts {
  /** Milliseconds of CPU a second, in all nodes, for a host at rest. */
  readonly restCpuMs: number
  /** Milliseconds of CPU in all nodes for a claim, and for telling one host of it. */
  readonly claimCpuMs: number
  readonly toldCpuMs: number
  /** Bytes a second that a host receives and sends at rest. */
  readonly restBytes: number
  /** Bytes that a host receives and sends because of one claim of another host. */
  readonly toldBytes: number
  /** KiB of private memory in all nodes for a host. */
  readonly memoryKiB: number
  /** Bytes of the database for a sign of life or a time signal. */
  readonly signBytes: number
}

/** Computes the costs from a time without hosts and one with so many that watch. What noise makes negative is 0. */
export function watchCosts(without: Pair, withHosts: Pair, hosts: number): WatchCosts {
  const none = rates(without)
  const all = rates(withHosts)
  const [before, after] = withHosts.rest
  const per = (value: number): number => Math.max(0, value / hosts)
  return {
    restCpuMs: per(all.rest(cpuMs) - none.rest(cpuMs)),
    claimCpuMs: Math.max(0, none.claim(cpuMs)),
    toldCpuMs: per(all.claim(cpuMs) - none.claim(cpuMs)),
    restBytes: per(all.rest(bytes)),
    toldBytes: per(all.claim(bytes)),
    memoryKiB: per(withHosts.busy[1].memoryKiB - without.rest[0].memoryKiB),
    signBytes: (after.dbBytes - before.dbBytes) / Math.max(1, after.revision - before.revision),
  }
}

const SECOND_MS = 1_000
const cpuMs = (load: Load): number => load.cpuMs
const bytes = (load: Load): number => load.receivedBytes + load.sentBytes

const grown = ([before, after]: readonly [Load, Load], of: (load: Load) => number): number => of(after) - of(before)
const secondsOf = ([before, after]: readonly [Load, Load]): number => (after.at - before.at) / SECOND_MS

/** Returns how a value grows: a second at rest, and for a claim beyond that. */
function rates({ rest, busy, claims }: Pair): Record<'rest' | 'claim', (of: (load: Load) => number) => number> {
  const second = (of: (load: Load) => number): number => grown(rest, of) / secondsOf(rest)
  return { rest: second, claim: (of) => (grown(busy, of) - second(of) * secondsOf(busy)) / claims }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}
