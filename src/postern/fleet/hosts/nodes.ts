import type { EtcdAccess } from '../../../etcd/access.ts'
import { START_NODES, remedyOf } from '../../../etcd/advice.ts'
import { EtcdUnavailable } from '../../../etcd/client.ts'
import type { EndpointStatus, Etcd, EtcdAlarm, EtcdMember } from '../../../etcd/client.ts'
import { readMetrics } from '../../../etcd/metrics.ts'
import { oneLine } from '../../../log/line.ts'

/** The part of the quota from which on the database counts as nearly full. */
export const QUOTA_WARNED = 0.8
/** Milliseconds to answer from which on a node counts as slow: a knock waits 3 s for several answers. */
const SLOW_MS = 500
/** The most times that a node is asked. The first answer takes a new connection, and a busy machine is slow for a moment. */
const ASKED_MAX = 3
/** A node of etcd, as an address of the settings. */
export interface NodeRow {
  readonly endpoint: string
  readonly member: string | null
  readonly leader: boolean | null
  readonly version: string | null
  readonly sizeBytes: number | null
  readonly inUseBytes: number | null
  readonly quotaBytes: number | null
  readonly latencyMs: number | null
  /** The reason why it does not answer. */
  readonly failure: string | null
}

/** The metrics of a node, by name; empty: it does not tell them. */
export type NodeMetrics = ReadonlyMap<string, number>

/** The nodes of etcd. */
export interface Nodes {
  readonly rows: readonly NodeRow[]
  readonly metrics: readonly NodeMetrics[]
  /** `undefined`: they cannot be asked. */
  readonly members: readonly EtcdMember[] | undefined
  readonly alarms: readonly EtcdAlarm[]
  /** The faults of etcd as a whole, each once. */
  readonly faults: readonly EtcdUnavailable[]
}

/** Asks all nodes for their state. Never rejects. */
export async function askNodes(
  etcd: Pick<Etcd, 'statusOf' | 'members' | 'alarms'>,
  access: EtcdAccess,
): Promise<Nodes> {
  const faults: EtcdUnavailable[] = []
  const orNone = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked
    } catch (error) {
      if (error instanceof EtcdUnavailable && !faults.some(({ reason }) => reason === error.reason)) faults.push(error)
      return undefined
    }
  }
  const [members, alarms, ...nodes] = await Promise.all([
    orNone(etcd.members()),
    orNone(etcd.alarms()),
    ...access.endpoints.map(async (endpoint) => await askNode(etcd, access, endpoint)),
  ])
  const rows = nodes.map(({ row }) => {
    const name = members?.find(({ id }) => id === row.member)?.name ?? row.member
    return { ...row, member: name === null ? null : oneLine(name) }
  })
  return { rows, metrics: nodes.map(({ metrics }) => metrics), members, alarms: alarms ?? [], faults }
}

async function askNode(
  etcd: Pick<Etcd, 'statusOf'>,
  access: EtcdAccess,
  endpoint: string,
): Promise<{ readonly row: NodeRow; readonly metrics: NodeMetrics }> {
  try {
    const { memberId, leader, version, dbSize, dbSizeInUse, latencyMs } = await fastest(etcd, endpoint)
    const metrics = await readMetrics(access, endpoint).catch((): NodeMetrics => new Map())
    const row = {
      endpoint,
      member: memberId,
      leader: leader === '0' ? null : leader === memberId,
      version: oneLine(version),
      sizeBytes: dbSize,
      inUseBytes: dbSizeInUse,
      quotaBytes: metrics.get('etcd_server_quota_backend_bytes') ?? null,
      latencyMs: Math.round(latencyMs * 10) / 10,
      failure: null,
    }
    return { row, metrics }
  } catch (error) {
    const failure = error instanceof EtcdUnavailable ? error.reason : (error as Error).message
    const nothing = { member: null, leader: null, version: null, sizeBytes: null, inUseBytes: null, quotaBytes: null }
    return { row: { endpoint, ...nothing, latencyMs: null, failure }, metrics: new Map() }
  }
}

/** Returns the state of a node with the quickest of a few answers: one that is always slow is. @throws EtcdUnavailable */
async function fastest(etcd: Pick<Etcd, 'statusOf'>, endpoint: string): Promise<EndpointStatus> {
  let best = await etcd.statusOf(endpoint)
  for (let asked = 1; asked < ASKED_MAX && best.latencyMs > SLOW_MS; asked++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that none waits for another
    const again = await etcd.statusOf(endpoint).catch(() => best)
    if (again.latencyMs < best.latencyMs) best = again
  }
  return best
}

/** Returns what is wrong with the nodes now, and what to do about that. */
export function problemsOf({ rows, alarms, faults }: Nodes): readonly string[] {
  const each = rows.flatMap((row): readonly string[] => {
    if (row.failure !== null) return [`${row.endpoint} does not answer: ${row.failure}`]
    const slow = (row.latencyMs ?? 0) > SLOW_MS ? [`${row.endpoint}: answers after ${row.latencyMs} ms`] : []
    const leaderless = row.leader === null ? [`${row.endpoint}: has no leader`] : []
    return [...slow, ...leaderless, ...(isFull({ alarms }) ? [] : fullness(row))]
  })
  const wide = faults.flatMap((fault) => {
    const { reason } = fault
    const remedy = remedyOf(fault)
    if (remedy !== undefined) return [`${reason}: ${remedy}`]
    return each.some((text) => text.endsWith(reason)) ? [] : [reason]
  })
  const answering = rows.filter(({ failure }) => failure === null).length
  const isLeft = answering < rows.length && answering > rows.length / 2 && wide.length === 0
  const left = isLeft ? [`the fleet works with the ${answering} nodes that answer: ${START_NODES}`] : []
  return [...wide, ...alarmsText(alarms), ...each, ...left]
}

/** Returns true if etcd takes no writes, as its database is full. */
export function isFull({ alarms }: Pick<Nodes, 'alarms'>): boolean {
  return alarms.some(({ alarm }) => alarm === 'NOSPACE')
}

const ALARMS: Readonly<Record<string, string>> = {
  NOSPACE:
    'the database is full and nobody can knock; compact and defragment it, then etcdctl alarm disarm: "Make room in etcd" in doc/fleet.md has the commands',
  CORRUPT: 'a node has other data than the others; remove it, and add it again, empty',
}

/** Returns what the alarms of etcd mean, each once. */
export function alarmsText(alarms: Nodes['alarms']): readonly string[] {
  const names = new Set(alarms.map(({ alarm }) => alarm))
  return [...names].map((alarm) => `alarm ${oneLine(alarm)}: ${ALARMS[alarm] ?? 'see its documentation'}`)
}

/** Returns that a node's database is nearly full, or nothing. */
export function fullness({ endpoint, inUseBytes, sizeBytes, quotaBytes }: NodeRow): readonly string[] {
  if (inUseBytes === null || sizeBytes === null || quotaBytes === null || sizeBytes < QUOTA_WARNED * quotaBytes)
    return []
  const percent = Math.round((sizeBytes / quotaBytes) * 100)
  const waste = inUseBytes < sizeBytes / 2 ? ', more than half of it free after etcdctl defrag' : ''
  return [`${endpoint}: the database has ${percent} % of its quota${waste}; at 100 % nobody can knock`]
}
