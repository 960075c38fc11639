import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FleetHosts, Member } from '../../test/lab/fleet-hosts.ts'
import { program, startKnockd } from '../../test/lab/knockd.ts'
import { Host } from '../../test/lab/net.ts'
import { Process } from '../../test/lab/process.ts'
import { scratch } from '../../test/lab/scratch.ts'
import { figure } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { privateOf } from '../usage.ts'
import { usersFile } from '../users.ts'
import { trafficOf } from './load.ts'
import { Records } from './records.ts'
import { plainRow } from './row.ts'

const USERS = 10_000
const CLAIMS = [10_000, 100_000] as const
const CLAIMS_QUICK = [10_000] as const
/** Milliseconds from the last line of a daemon until its memory is looked at. */
const SETTLE_MS = 5_000
/** Milliseconds until something is in force, on a busy machine, and until etcd has written its database. */
const FORCE_MAX_MS = 60_000
const WRITTEN_MS = 500
const SECOND_MS = 1_000
const MIB = 1_048_576

const door = (lines: string): string => `[ssh]\n${lines}\nOpen_Ports = tcp/22\nOpen_For = 1h\n`
const OWN = 'Sequence = 7301,5402,8823'

/** Private memory of a daemon with and without a fleet; a push of users; and what users and claims take in etcd. */
export async function fleetMemory(fleet: FleetHosts, { quick, say }: Terms): Promise<readonly Row[]> {
  const records = new Records(fleet)
  await records.remove()
  say('memory of a daemon without and with a fleet')
  const [plain, plainUsers] = [await memoryWithout(OWN), await memoryWithout(`Users = ${usersAt('users')}`)]
  const member = await fleet.add('member', [], door(`${OWN}\nScope = fleet`))
  await fleet.publish([member])
  const idle = await memoryOfMember(member)
  const pushed = await pushUsers(fleet, say)
  const rows: Row[] = [
    memoryRow('nothing used up', idle, plain),
    memoryRow(`${USERS} users pushed`, pushed.memoryMiB, plainUsers, `without Fleet, the same file,`),
    plainRow(`a push of ${USERS} users, with codes: in force on a host after`, pushed.seconds, 's', 'shown'),
    plainRow('  traffic of the host, both ways', pushed.bytes / MIB, 'MiB', 'pushMiB'),
    plainRow("  a user: etcd's database", pushed.dbBytes / USERS, 'bytes', 'userBytes'),
  ]
  let there = 0
  for (const claims of quick ? CLAIMS_QUICK : CLAIMS) {
    say(`memory of a daemon with ${claims} claims in etcd`)
    const before = await dbBytes(fleet)
    await records.put(claims - there)
    if (there === 0) {
      const used = (await dbBytes(fleet)) - before
      rows.push(plainRow("a used secret: etcd's database", used / claims, 'bytes', 'claimBytes'))
    }
    there = claims
    const seeing = await fleet.add(`seeing${claims}`, [], door(`${OWN}\nScope = fleet`))
    await seeing.process.line(/the fleet answers/, FORCE_MAX_MS)
    rows.push(memoryRow(`${claims} used secrets in etcd`, await memoryOfMember(seeing), plain))
  }
  return rows
}

/** Memory of a daemon without a fleet. */
async function memoryWithout(lines: string): Promise<number> {
  const host = await Host.make('plain')
  const { process } = await startKnockd({ host, config: door(lines), args: ['-i', 'lo'] })
  return await memoryOf(process)
}

async function memoryOfMember({ process }: Member): Promise<number> {
  return await memoryOf(process)
}

/** Returns the private memory of a daemon in MiB once it is at rest, and stops it. */
async function memoryOf(process: Process): Promise<number> {
  await sleep(SETTLE_MS)
  const { ownMiB } = privateOf(process.pid)
  await process.stop()
  return ownMiB
}

interface Pushed {
  /** Seconds from the start of the command. */
  readonly seconds: number
  readonly bytes: number
  readonly dbBytes: number
  readonly memoryMiB: number
}

async function pushUsers(fleet: FleetHosts, say: Terms['say']): Promise<Pushed> {
  say(`a push of ${USERS} users`)
  const host = await fleet.add('users', [], (state) => door(`Users = ${state}/users.d/ssh.users\nScope = fleet`))
  await fleet.publish([host])
  const folder = scratch('users.d')
  mkdirSync(folder, { mode: 0o700 })
  usersAt('users.d', join(folder, 'ssh.users'))
  const before = await dbBytes(fleet)
  const [received, sent] = await trafficOf(host.host)
  const begun = performance.now()
  const argv = [program('postern'), 'fleet', 'push', '--yes', '--folder', fleet.operatorFolder(), folder]
  const pushing = new Process([process.execPath, ...argv])
  await host.process.line(/users of the fleet: version \d+, .* is in force/, FORCE_MAX_MS)
  const seconds = (performance.now() - begun) / SECOND_MS
  const [receivedThen, sentThen] = await trafficOf(host.host)
  const { code } = await pushing.ended
  if (code !== 0) throw new Error(`the push failed: ${pushing.stderr}`)
  const used = (await dbBytes(fleet)) - before
  const bytes = receivedThen + sentThen - received - sent
  return { seconds, bytes, dbBytes: used, memoryMiB: await memoryOfMember(host) }
}

/** Writes a file of users with codes, and returns its path. */
function usersAt(name: string, path = scratch(name)): string {
  writeFileSync(path, usersFile('codes', USERS), { mode: 0o600 })
  return path
}

async function dbBytes({ cluster }: FleetHosts): Promise<number> {
  await sleep(WRITTEN_MS)
  return (await cluster.client().statusOf(cluster.endpoints[0]!)).dbSizeInUse
}

function memoryRow(what: string, mib: number, without: number, peer = 'without Fleet'): Row {
  return {
    measure: `private memory of a daemon with Fleet: ${what}`,
    ours: figure(mib, 'MiB'),
    theirs: figure(without, 'MiB'),
    peer,
    fact: 'shown',
  }
}
