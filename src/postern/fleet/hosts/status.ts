import { DONE, FAILED } from '../../../cli/exit-code.ts'
import { failed } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { Etcd, EtcdUnavailable } from '../../../etcd/client.ts'
import { judgeCertificates } from '../../../fleet/certificates.ts'
import { rows } from '../../control/table.ts'
import type { StatusArguments } from '../arguments.ts'
import { fleetHere } from './fleet-here.ts'
import type { FleetHere } from './fleet-here.ts'
import { askNodes, isFull, problemsOf } from './nodes.ts'
import type { NodeRow } from './nodes.ts'
import { hostsText, readOverview } from './overview.ts'
import type { Overview } from './overview.ts'

const UNTOLD = 'the hosts cannot tell their state while the database is full'
const MEBIBYTE = 1_048_576

/** The state of a fleet. */
export interface FleetStatus extends Omit<Overview, 'notes'> {
  readonly problems: readonly string[]
  readonly nodes: readonly NodeRow[]
  /** The number of members of etcd; `null`: it cannot be asked. */
  readonly members: number | null
}

/** Runs `postern fleet status`, and returns the exit code. */
export async function fleetStatus(asked: StatusArguments, output: Output): Promise<number> {
  let etcd: Etcd | undefined
  try {
    const here = fleetHere(asked.folder)
    etcd = new Etcd(here.access)
    const status = await readStatus(etcd, here)
    if (asked.json) output.out(`${JSON.stringify(status, undefined, 2)}\n`)
    else if (!asked.quiet) output.out(statusText(status, Date.now()))
    return status.problems.length === 0 ? DONE : FAILED
  } catch (error) {
    if (asked.quiet) return FAILED
    return failed(error, output)
  } finally {
    etcd?.close()
  }
}

/** Reads the state of a fleet; what cannot be read is a problem. @throws Failure */
async function readStatus(etcd: Etcd, here: FleetHere): Promise<FleetStatus> {
  const [nodes, overview] = await Promise.all([askNodes(etcd, here.access), overviewOr(etcd, here)])
  const { notes, ...seen } = overview
  const certificates = judgeCertificates(here.access, here.settings, Date.now()).map(({ message }) => message)
  const ofHosts = isFull(nodes)
    ? [UNTOLD]
    : seen.hosts.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))
  return {
    ...seen,
    problems: [...problemsOf(nodes), ...certificates, ...notes, ...ofHosts],
    nodes: nodes.rows,
    members: nodes.members?.length ?? null,
  }
}

async function overviewOr(etcd: Etcd, here: FleetHere): Promise<Overview> {
  try {
    return await readOverview(etcd, here)
  } catch (error) {
    if (!(error instanceof EtcdUnavailable)) throw error
    // The nodes' rows say why.
    return {
      fleet: here.settings.fleet,
      hostsVersion: null,
      usersVersion: null,
      hosts: [],
      notes: [`the hosts cannot be read: ${error.reason}`],
    }
  }
}

/** Formats the state of a fleet. @param now the time in milliseconds since 1970 */
export function statusText(
  { fleet, nodes, members, problems, hostsVersion, usersVersion, hosts }: FleetStatus,
  now: number,
): string {
  const head = ['node', 'member', 'version', 'size', 'answers in']
  const body = nodes.map(({ endpoint, member, leader, version, sizeBytes, quotaBytes, latencyMs, failure }) => [
    endpoint.replace('https://', ''),
    failure === null ? `${member ?? '-'}${leader === true ? ' (leader)' : ''}` : 'no answer',
    version ?? '-',
    sizeText(sizeBytes, quotaBytes),
    latencyMs === null ? '-' : `${latencyMs} ms`,
  ])
  const answering = nodes.filter(({ failure }) => failure === null).length
  // Without a majority, nobody can be asked for the members.
  const count = members === null ? `${answering} of ${nodes.length} nodes of etcd answer` : `${members} members of etcd`
  const lines = [
    `fleet ${fleet}: ${count}, hosts version ${hostsVersion ?? 'none'}, users version ${usersVersion ?? 'none'}`,
    ...rows([head, ...body]),
    '',
  ]
  // Problems of the hosts are in the list at the end.
  const bare = hosts.map((host) => ({ ...host, problems: [] }))
  const end = problems.length === 0 ? 'all is well\n' : `problems:\n${problems.map((each) => `  ${each}\n`).join('')}`
  return `${lines.join('\n')}\n${hostsText({ hosts: bare, notes: [] }, now)}\n${end}`
}

function sizeText(bytes: number | null, quota: number | null): string {
  if (bytes === null) return '-'
  const of = quota === null ? '' : ` of ${Math.round(quota / MEBIBYTE)}`
  return `${(bytes / MEBIBYTE).toFixed(1)}${of} MiB`
}
