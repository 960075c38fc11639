import { PROBE_EVERY_MS } from '../../src/etcd/member-look.ts'
import { BEAT_EVERY_MS } from '../../src/fleet/beat.ts'
import { NODES_EVERY_MS } from '../../src/fleet/node-states.ts'
import type { CalculatedFact } from '../row.ts'

/** The fleet that is calculated, and what its etcd has. */
export const FLEET_HOSTS = 1_000
export const FLEET_USERS = 10_000
const NODES = 3
const CORES_OF_NODE = 2
/** Bytes a second on 1 Gbit/s. */
const LINK_BYTES = 125_000_000
/** Bytes of the database that etcd allows by default, and seconds of history that compaction every hour leaves at most. */
const QUOTA_BYTES = 2 * 1_024 ** 3
const HISTORY_S = 7_200
/** Knocks of a user a day, and the share of them in the busiest hour. */
const KNOCKS_A_DAY = 5
const BUSIEST_SHARE = 0.2
const HOUR_S = 3_600
const SECOND_MS = 1_000
/** Time signals of all hosts a second, and the nodes that tell a host of them. A node that tells something is not looked at. */
const SIGNALS_PER_S = 1
const TELLING_NODES = 2
const MIB = 1_048_576
const MBIT = 125_000

/** Measured figures by name. The units are those of the rows. */
export type Facts = Readonly<Record<CalculatedFact, number>>

/** A line of the calculation. */
export interface Demand {
  readonly what: string
  readonly how: string
  readonly value: string
}

/** Calculates from measured figures what 1,000 hosts and 10,000 users ask of three nodes of etcd. */
export function demand(facts: Facts): readonly Demand[] {
  const hosts = FLEET_HOSTS
  const knocks = (FLEET_USERS * KNOCKS_A_DAY * BUSIEST_SHARE) / HOUR_S
  const signs = (hosts * SECOND_MS) / BEAT_EVERY_MS + SIGNALS_PER_S
  const probes = hosts * SECOND_MS * ((NODES - TELLING_NODES) / PROBE_EVERY_MS + NODES / NODES_EVERY_MS)
  const restCores = (hosts * facts.restCpuMs) / SECOND_MS
  const claimCores = (facts.claimCpuMs + hosts * facts.toldCpuMs) / SECOND_MS
  const claimBytes = hosts * facts.toldBytes
  const byLink = (NODES * LINK_BYTES - hosts * facts.restBytes) / claimBytes
  const byCpu = (NODES * CORES_OF_NODE - restCores) / claimCores
  const history = signs * facts.signBytes * HISTORY_S
  const keys = FLEET_USERS * (facts.claimBytes + facts.userBytes) + hosts * facts.signBytes
  const byQuota = (QUOTA_BYTES - history - keys) / (facts.claimBytes * HISTORY_S)
  const pushBytes = hosts * facts.pushMiB * MIB
  return [
    line('connections', `${hosts} x those of a host`, `${round(hosts * facts.connections)}, a third at each node`),
    line(
      'requests a second, at rest',
      `a look every ${PROBE_EVERY_MS / SECOND_MS} s at the node that tells of no signals, at each node every ${NODES_EVERY_MS / SECOND_MS} s, a sign of life every ${BEAT_EVERY_MS / SECOND_MS} s`,
      `${round(probes)} reads, ${round(signs)} writes`,
    ),
    line("etcd's CPU, at rest", `${hosts} x that of a host`, `${round(restCores)} cores in three nodes`),
    line('traffic, at rest', `${hosts} x that of a host`, `${round((hosts * facts.restBytes) / MBIT)} Mbit/s in all`),
    line(
      "etcd's memory",
      `${hosts} x that of a host / 3`,
      `${round((hosts * facts.memoryKiB) / 1_024 / NODES)} MiB a node`,
    ),
    line(
      'claims, busiest hour',
      `${KNOCKS_A_DAY} a day and user, a fifth of them in that hour`,
      `${round(knocks)} a second: ${round((knocks * claimBytes) / MBIT)} Mbit/s, ${round(knocks * claimCores)} cores`,
    ),
    line('the most claims a second: network', '1 Gbit/s at each node, every host told of each', round(byLink)),
    line('the most claims a second: CPU', `${CORES_OF_NODE} cores a node, less what is used at rest`, above0(byCpu)),
    line('the most claims a second: database', `2 GiB, history of ${HISTORY_S / HOUR_S} hours`, above0(byQuota)),
    line('the most claims a second: transactions', 'measured, with no host told', round(facts.claimsPerS)),
    line(
      `a push of ${FLEET_USERS} users`,
      `${hosts} x that of a host, 1 Gbit/s at each node`,
      `${round(pushBytes / MIB)} MiB, ${round(pushBytes / (NODES * LINK_BYTES))} s`,
    ),
    line(
      'keys in the database',
      `a record and a line for each of ${FLEET_USERS} users, a sign for each host`,
      `${round(keys / MIB)} MiB`,
    ),
    line(
      'history in the database: signs of life',
      `${HISTORY_S / HOUR_S} hours`,
      `${round(history / MIB)} MiB of 2,048`,
    ),
  ]
}

function line(what: string, how: string, value: string): Demand {
  return { what, how, value }
}

/** Returns a limit, or that there is nothing left for claims. */
function above0(limit: number): string {
  return limit > 0 ? round(limit) : 'none left'
}

/** Returns a number with two digits that mean something, and commas. */
function round(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en')
}
