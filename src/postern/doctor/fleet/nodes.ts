import { explained } from '../../../etcd/advice.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import { alarmsText, fullness, isFull } from '../../fleet/hosts/nodes.ts'
import type { NodeMetrics, Nodes } from '../../fleet/hosts/nodes.ts'
import type { Finding } from '../finding.ts'

/** The first releases in which access control is a boundary: CVE-2026-33343 and CVE-2026-33413. */
const BOUNDARY = [
  [3, 4, 42],
  [3, 5, 28],
  [3, 6, 9],
] as const
const MEMBERS_MIN = 3
/** Seconds after which a node has compacted at least once, and revisions that are then too many. */
const COMPACTED_AFTER_S = 7_500
const REVISIONS_MAX = 10_000

/** Finds the traps of etcd. @param hasLogin true if the fleet uses etcd's access control */
export function judgeNodes({ rows, metrics, members, alarms, faults }: Nodes, hasLogin: boolean): readonly Finding[] {
  const fix = REMEDIES.readOfFleet()
  const look = REMEDIES.lookAtFleet()
  const fault = (message: string, command = fix): Finding => ({
    severity: 'fault',
    subject: 'fleet',
    message,
    fix: command,
  })
  const warning = (message: string, command = fix): Finding => ({ ...fault(message, command), severity: 'warning' })
  const silent = rows.filter(({ failure }) => failure !== null)
  const wide = faults.map(explained)
  return [
    ...wide.map((message) => fault(`fleet unavailable: ${message}`, look)),
    ...alarmsText(alarms).map((text) => fault(`etcd has the ${text}`, look)),
    ...silent
      .filter(({ failure }) => !wide.some((text) => text.startsWith(failure!)))
      .map(({ endpoint, failure }) => warning(`${endpoint} does not answer: ${failure}`, look)),
    ...(isFull({ alarms }) ? [] : rows.flatMap((row) => fullness(row))).map((message) => warning(message, look)),
    ...ofMembers(members).map((message) => warning(message)),
    ...ofVersions(
      rows.map(({ version }) => version),
      hasLogin,
      warning,
    ),
    ...(metrics.some(isUncompacted)
      ? [
          warning(
            'etcd keeps every old version of every key, until its quota is reached: it needs --auto-compaction-mode periodic and --auto-compaction-retention 1h',
          ),
        ]
      : []),
  ]
}

function ofMembers(members: Nodes['members']): readonly string[] {
  if (members === undefined) return []
  const voting = members.filter(({ isLearner }) => !isLearner)
  const count = voting.length
  const hosts = new Set(voting.flatMap(({ clientUrls, peerUrls }) => hostOf(peerUrls[0] ?? clientUrls[0])))
  if (count < MEMBERS_MIN) {
    return [
      `etcd has ${count === 1 ? 'one node' : 'two nodes'}: when one stops, nobody can knock at doors of the fleet; use three, on different power and disks`,
    ]
  }
  if (hosts.size < count)
    return [
      `the ${count} nodes of etcd are on ${hosts.size === 1 ? 'one machine' : `${hosts.size} machines`}: use a machine for each`,
    ]
  if (count % 2 === 0)
    return [`${count} nodes of etcd survive only as many losses as ${count - 1}: use ${count - 1} or ${count + 1}`]
  return []
}

function hostOf(url: string | undefined): readonly string[] {
  return url === undefined || !URL.canParse(url) ? [] : [new URL(url).hostname]
}

function ofVersions(
  versions: readonly (string | null)[],
  hasLogin: boolean,
  warning: (message: string) => Finding,
): readonly Finding[] {
  const old = [...new Set(versions)].filter((version) => version !== null && !isBoundary(version))
  if (old.length === 0) return []
  const message = `access control of etcd ${old.join(', ')} is no boundary (CVE-2026-33343, CVE-2026-33413; fixed in 3.4.42, 3.5.28 and 3.6.9)`
  if (hasLogin) return [warning(`${message}: anyone who reaches it can write; firewall it to the fleet, and update it`)]
  return [
    { severity: 'note', subject: 'fleet', message: `${message}: certificates and the firewall are what protects it` },
  ]
}

/** Returns true for a version whose access control cannot be passed. An unknown one is later than those known. */
export function isBoundary(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (Number.isNaN(major + minor + patch)) return true
  const row = BOUNDARY.find(([, each]) => each === minor)
  if (major !== 3) return major > 3
  return row === undefined ? minor > 6 : patch >= row[2]
}

/** Returns true for a node that has run for long, and never compacted its many revisions. */
export function isUncompacted(metrics: NodeMetrics, nowS = Date.now() / 1_000): boolean {
  const started = metrics.get('process_start_time_seconds')
  const revision = metrics.get('etcd_debugging_mvcc_current_revision')
  const compacted = metrics.get('etcd_debugging_mvcc_compact_revision')
  if (started === undefined || revision === undefined || compacted === undefined) return false
  return nowS - started > COMPACTED_AFTER_S && revision - Math.max(0, compacted) > REVISIONS_MAX && compacted <= 0
}
