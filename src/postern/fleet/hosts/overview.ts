import type { Etcd } from '../../../etcd/client.ts'
import { TIME_MAX_MS, readBeat } from '../../../fleet/beat.ts'
import type { Beat } from '../../../fleet/beat.ts'
import { dayText } from '../../../fleet/certificates.ts'
import { isVersion } from '../../../fleet/hosts.ts'
import type { FleetHost, HostsDocument } from '../../../fleet/hosts.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import type { DocumentKind } from '../../../fleet/keyspace.ts'
import { openSigned } from '../../../fleet/signed.ts'
import { oneLine } from '../../../log/line.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import { counted } from '../../../text/counted.ts'
import { isRecord } from '../../../text/record.ts'
import { rows, timeText } from '../../control/table.ts'
import { HostsList } from '../hosts-list.ts'
import { keepUsersVersion, keptUsersVersion } from '../users-version.ts'
import { NODE_FOLDER } from '../init/etcd-files.ts'
import type { FleetHere } from './fleet-here.ts'

/** Most hosts whose names a message has. */
const NAMED_MAX = 5

/** The remedy for signs of life that only somebody with a host's certificate can write. */
const STILL_THERE = `a host that was removed, or somebody with its certificate, still reaches etcd; copy clients/crl.pem of the operator's folder to ${NODE_FOLDER}/crl.pem on each node, then restart etcd on one node after the other`
/** The remedy for a host that tells nothing new. */
const LOOK_THERE = 'sudo postern status there says why'

/** A host, by its last sign of life, which it has signed. */
export interface HostRow {
  readonly name: string
  readonly groups: readonly string[]
  /** The time of its last sign of life, in ISO 8601 by its own clock; `null`: it gave no sign for a minute. */
  readonly seen: string | null
  readonly version: string | null
  readonly hosts: number | null
  readonly users: number | null
  readonly clockMs: number | null
  readonly doors: number | null
  readonly problems: readonly string[]
}

/** The hosts of a fleet. */
export interface Overview {
  readonly fleet: string
  readonly hostsVersion: number | null
  readonly usersVersion: number | null
  readonly hosts: readonly HostRow[]
  readonly notes: readonly string[]
}

/** Reads the hosts of a fleet, with their signs of life. @throws EtcdUnavailable, or Failure */
export async function readOverview(etcd: Pick<Etcd, 'get' | 'txn' | 'list'>, here: FleetHere): Promise<Overview> {
  const { settings, host, folder } = here
  const keyspace = new Keyspace(settings.fleet)
  const list = new HostsList(etcd, keyspace, settings, host === '' ? folder : undefined)
  const { document, doubt } = await list.read()
  const usersVersion = await readUsersVersion(etcd, keyspace, here)
  const known = host === '' ? keptUsersVersion(folder) : 0
  // A folder that cannot be written knows what it knew.
  if (host === '') await keepUsersVersion(folder, usersVersion ?? 0).catch(() => undefined)
  const beats = await readBeats(etcd, keyspace, document?.hosts)
  const second = await etcd.list(keyspace.secondUses)
  const wanted = { hosts: document?.version, users: Math.max(usersVersion ?? 0, known) }
  const listed = new Set(document?.hosts.map(({ name }) => name))
  const strangers = [...beats.keys()].filter((name) => !listed.has(name))
  return {
    fleet: settings.fleet,
    hostsVersion: document?.version ?? null,
    usersVersion: usersVersion ?? null,
    hosts: (document?.hosts ?? []).map((each) => {
      const unlike = otherKey(each.name, beats, listed)
      return rowOf(each, beats.get(each.name), wanted, settings.clockSkewMs, unlike)
    }),
    notes: [
      ...(document === undefined ? ['there is no list of hosts yet'] : []),
      ...(doubt === undefined ? [] : [doubt]),
      ...((usersVersion ?? 0) >= known
        ? []
        : [
            `etcd has version ${usersVersion ?? 'none'} of the users, and this folder has seen ${known}: somebody put an older one there; push again`,
          ]),
      ...(strangers.length === 0 ? [] : [`signs of life of ${named(strangers)}, not in the list: ${STILL_THERE}`]),
      // Anyone who can write to etcd can leave such a note, so that others than hosts would be words in a command.
      ...second.kvs
        .map(({ key }) => key.slice(keyspace.secondUses.length))
        .filter((name) => listed.has(name))
        .map((name) => {
          return `the token of ${name} was presented twice: if ${name} is not the host that you meant: postern fleet remove ${name}`
        }),
    ],
  }
}

/** Returns that a host has another key of the fleet than most others, or nothing. Without a majority, each is told. */
function otherKey(name: string, beats: ReadonlyMap<string, Beat>, known: ReadonlySet<string>): readonly string[] {
  const own = beats.get(name)?.keyMark
  if (own === undefined) return []
  const marked = [...beats].filter(([each, { keyMark }]) => known.has(each) && keyMark !== undefined)
  const unlike = marked.filter(([, { keyMark }]) => keyMark !== own).map(([each]) => each)
  if (unlike.length === 0 || unlike.length < marked.length - unlike.length) return []
  const fix = 'copy the file from a host that is right, or let it join anew, and restart knockd'
  return [`its fleet.key is not that of ${named(unlike)}: it opens nothing of the fleet; ${fix}`]
}

/**
 * Reads the signs of life of all hosts, by their names.
 *
 * @param hosts those whose signs count only with their signature; anyone may have written the others
 * @throws EtcdUnavailable
 */
export async function readBeats(
  etcd: Pick<Etcd, 'list'>,
  keyspace: Keyspace,
  hosts: readonly FleetHost[] = [],
): Promise<ReadonlyMap<string, Beat>> {
  const { kvs } = await etcd.list(keyspace.beats)
  const listed = new Map(hosts.map((host) => [keyspace.beat(host.name), host]))
  return new Map(
    kvs.flatMap(({ key, value }): readonly (readonly [string, Beat])[] => {
      const beat = readBeat(key, value, listed.get(key))
      return beat === undefined ? [] : [[oneLine(key.slice(keyspace.beats.length)), beat]]
    }),
  )
}

async function readUsersVersion(
  etcd: Pick<Etcd, 'get'>,
  keyspace: Keyspace,
  { settings }: FleetHere,
): Promise<number | undefined> {
  const place = keyspace.document('users')
  const found = await etcd.get(place)
  if (found === undefined) return undefined
  try {
    const keyOf = (name: string) => settings.operators.find((each) => each.name === name)?.key
    const { body } = openSigned(place, found.value, keyOf)
    const version = isRecord(body) ? body['version'] : undefined
    return isVersion(version) ? version : undefined
  } catch {
    return undefined
  }
}

function rowOf(
  { name, groups }: HostsDocument['hosts'][number],
  beat: Beat | undefined,
  wanted: Readonly<Record<DocumentKind, number | undefined>>,
  skewMs: number,
  unlike: readonly string[],
): HostRow {
  if (beat === undefined) {
    const none = { seen: null, version: null, hosts: null, users: null, clockMs: null, doors: null }
    return { name, groups, ...none, problems: [`no sign of life for a minute: ${LOOK_THERE}`] }
  }
  const { versions, refused, aheadMs, endsAt, waiting } = beat
  const problems = (['hosts', 'users'] as const).flatMap((kind): readonly string[] => {
    const reason = refused[kind]
    if (reason !== undefined) return [`refuses the newest list of ${kind}: ${oneLine(reason)}`]
    const [own, newest] = [versions[kind] ?? 0, wanted[kind] ?? 0]
    return own >= newest ? [] : [`has version ${own} of the list of ${kind}, not ${newest}: ${LOOK_THERE}`]
  })
  problems.push(...unlike)
  if (aheadMs !== undefined && Math.abs(aheadMs) > skewMs) {
    problems.push(
      `its clock is ${clockText(aheadMs)} the other hosts': it opens nothing of the fleet; there: ${REMEDIES.keepClock()}`,
    )
  }
  if (endsAt !== undefined) {
    problems.push(`its certificate for etcd ends on ${dayText(endsAt)}: postern fleet invite ${name} --replace`)
  }
  if (waiting !== undefined) problems.push(`opens nothing of the fleet yet: ${oneLine(waiting)}`)
  return {
    name,
    groups,
    seen: new Date(Math.min(beat.at, TIME_MAX_MS)).toISOString(),
    version: beat.version,
    hosts: versions.hosts ?? null,
    users: versions.users ?? null,
    clockMs: aheadMs ?? null,
    doors: beat.doors,
    problems,
  }
}

/** Formats hosts as a table, with their problems below. @param now the time in milliseconds since 1970 */
export function hostsText({ hosts, notes }: Pick<Overview, 'hosts' | 'notes'>, now: number): string {
  const head = ['host', 'groups', 'seen', 'version', 'hosts', 'users', 'clock', 'doors']
  const body = hosts.map(({ name, groups, seen, version, hosts: list, users, clockMs, doors }) => [
    name,
    groups.join() || '-',
    seen === null ? 'never' : `${timeText(Math.max(0, now - Date.parse(seen)))} ago`,
    version ?? '-',
    list ?? '-',
    users ?? '-',
    clockMs === null ? '-' : `${clockMs > 0 ? '+' : ''}${(clockMs / 1_000).toFixed(1)}s`,
    doors ?? '-',
  ])
  const table = hosts.length === 0 ? ['no hosts'] : rows([head, ...body])
  const problems = hosts.flatMap(({ name, problems: all }) => all.map((problem) => `${name}: ${problem}`))
  return [...table, ...problems, ...notes].map((line) => `${line}\n`).join('')
}

/** Formats the side of a clock that is off. */
function clockText(aheadMs: number): string {
  return `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
}

/** Formats names: the first ones, and how many more there are. */
export function named(names: readonly string[]): string {
  const more = names.length - NAMED_MAX
  return `${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${counted(more, 'other')}` : ''}`
}
