import { setTimeout as sleep } from 'node:timers/promises'
import { readFleetName } from '../../../config/value.ts'
import { readBeat } from '../../../fleet/beat.ts'
import { readHosts } from '../../../fleet/hosts.ts'
import type { FleetHost } from '../../../fleet/hosts.ts'
import type { Keyspace } from '../../../fleet/keyspace.ts'
import { openSigned } from '../../../fleet/signed.ts'
import { valueOf } from '../../../text/read.ts'
import type { PushDeps } from './users-in-etcd.ts'

/** Milliseconds for which hosts are waited for. */
export const TAKEN_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 200
/** Highest version that the word of anyone counts for. A version cannot be lowered again. */
const UNSIGNED_MAX = 2 ** 40

/** The users that a host has in force, by its sign of life. */
export interface HostUsers {
  readonly host: string
  readonly version: number
  /** The reason why it refuses a newer version. */
  readonly refused: string | undefined
}

/**
 * Reads the signs of life of all hosts.
 *
 * @param hosts those whose signs count only with their signature; anyone may have written the others
 * @throws EtcdUnavailable
 */
export async function hostsUsers(
  { etcd, keyspace }: Pick<PushDeps, 'etcd' | 'keyspace'>,
  hosts: readonly FleetHost[] = [],
): Promise<readonly HostUsers[]> {
  const listed = new Map(hosts.map((host) => [keyspace.beat(host.name), host]))
  const { kvs } = await etcd.list(keyspace.beats)
  return kvs.flatMap(({ key, value }): readonly HostUsers[] => {
    const beat = readBeat(key, value, listed.get(key))
    const host = valueOf(readFleetName(key.slice(keyspace.beats.length)))
    if (beat === undefined || host === undefined) return []
    // A writer of etcd could have the terminal do something else.
    const refused = beat.refused.users?.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    return [{ host, version: beat.versions.users ?? 0, refused }]
  })
}

/** Returns the highest version that hosts say they have. An etcd that was emptied does not know it. */
export function highestVersion(hosts: readonly { readonly version: number }[]): number {
  return Math.max(0, ...hosts.map(({ version }) => Math.min(version, UNSIGNED_MAX)))
}

/** Returns the highest version of the list of hosts that hosts say they have: see {@link hostsUsers}. @throws EtcdUnavailable */
export async function highestHostsVersion(
  { etcd, keyspace }: { readonly etcd: Pick<PushDeps['etcd'], 'list'>; readonly keyspace: Keyspace },
  hosts: readonly FleetHost[],
): Promise<number> {
  const listed = new Map(hosts.map((host) => [keyspace.beat(host.name), host]))
  const { kvs } = await etcd.list(keyspace.beats)
  const beats = kvs.map(({ key, value }) => readBeat(key, value, listed.get(key)))
  return highestVersion(beats.map((beat) => ({ version: beat?.versions.hosts ?? 0 })))
}

/** The hosts that have a version in force, and those that do not. */
export interface Taken {
  readonly inForce: readonly string[]
  readonly refused: readonly HostUsers[]
  /** Hosts of the fleet that have not said anything, or have an earlier version. */
  readonly behind: readonly string[]
}

/**
 * Waits until all hosts have a version in force or refuse it, for a while.
 *
 * @returns `undefined` if there are no hosts, or they are unknown and none gives signs of life
 * @throws EtcdUnavailable
 */
export async function waitForHosts(version: number, deps: PushDeps): Promise<Taken | undefined> {
  const late = deps.steady() + TAKEN_WITHIN_MS
  const listed = await hostsInFleet(deps)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they have it
    const hosts = await hostsUsers(deps, listed)
    // A writer of etcd can take the signs of life away, but not the list.
    if (hosts.length === 0 && (listed ?? []).length === 0) return undefined
    const has = new Map(hosts.map((each) => [each.host, each]))
    const names = [
      ...new Set([...(listed ?? []).map(({ name }) => name), ...(listed === undefined ? has.keys() : [])]),
    ].sort()
    const inForce = names.filter((name) => (has.get(name)?.version ?? 0) >= version)
    const refused = names.flatMap((name) => {
      const host = has.get(name)
      return host?.refused === undefined || host.version >= version ? [] : [host]
    })
    const behind = names.filter((name) => !inForce.includes(name) && !refused.some(({ host }) => host === name))
    if (behind.length === 0 || deps.steady() >= late) return { inForce, refused, behind }
    // oxlint-disable-next-line no-await-in-loop -- until they have it
    await sleep(LOOK_EVERY_MS)
  }
}

/** Returns the hosts that an operator signed; `undefined`: they are unknown. */
export async function hostsInFleet({ etcd, keyspace, keyOf }: PushDeps): Promise<readonly FleetHost[] | undefined> {
  const place = keyspace.document('hosts')
  const found = await etcd.get(place)
  if (found === undefined) return undefined
  try {
    return readHosts(openSigned(place, found.value, keyOf).body)?.hosts
  } catch {
    return undefined
  }
}
