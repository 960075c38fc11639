// Goal: a knock at one host opens the group, and only the group, for as long as it says; whoever can write to etcd opens
// nothing. With real etcd, three daemons and real connections.
import { rmSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { signText } from '../../src/fleet/signed.ts'
import { SLOW } from '../slow.ts'
import { FleetHosts } from './fleet-hosts.ts'
import type { Member } from './fleet-hosts.ts'
import { KNOCKS, looks, postern, statusOf } from './guarded.ts'
import { lab } from './net.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks } from './service.ts'

const LIMIT_MS = 180_000
const ROUNDS = SLOW ? 10 : 3
/** One node stands for more: others stop and lose some of several. */
const NODES = SLOW ? 3 : 1
const OPEN_S = 40
/** Nobody knows the sequences of these hosts: only the bastion opens them. */
const CLOSED = ['6001', '6002', '6003']

const door = (lines: string, seconds = OPEN_S): string =>
  `[ssh]\nScope = fleet\nOpen_Ports = tcp/22\nOpen_For = ${seconds}s\n${lines}\n`
const usersLines = (names: readonly string[]): string =>
  names.map((name, at) => `${name} ${CLOSED.slice(0, 2).join()},${7_000 + at}\n`).join('')
const leftAt = async ({ host, file }: Member): Promise<number | undefined> =>
  (await statusOf(host, { file })).openings[0]?.leftMs

lab('openings of a group', () => {
  let fleet: FleetHosts
  let bastion: Member
  let web: Member
  let db: Member
  const users = scratch('web-users')

  const admit = (...names: readonly string[]): void => writeFileSync(users, usersLines(names), { mode: 0o600 })

  beforeAll(async () => {
    const own = scratch('bastion-users')
    writeFileSync(own, `alice ${KNOCKS.join()}\nbob 5001,5002,5003\n`, { mode: 0o600 })
    admit('alice')
    fleet = await FleetHosts.start({ nodes: NODES })
    ;[bastion, web, db] = await Promise.all([
      fleet.add('bastion', ['edge'], door(`Users = ${own}\nOpens_On = web`)),
      fleet.add('web1', ['web'], door(`Users = ${users}`)),
      fleet.add('db1', ['db'], door(`Users = ${users}`)),
    ])
    await fleet.publish()
  }, LIMIT_MS)
  afterEach(async () => {
    admit('alice')
    for (const member of fleet.members) {
      if (member.process.exit === undefined) await postern(member.host, member, 'close', '--all')
    }
    await until('all is closed', async () => (await openings()).length === 0)
  }, LIMIT_MS)
  afterAll(async () => {
    await fleet.close()
    rmSync(users, { force: true })
  }, LIMIT_MS)

  const openings = async (): Promise<readonly unknown[]> =>
    (await Promise.all(fleet.members.map(async ({ host, file }) => (await statusOf(host, { file })).openings))).flat()
  const looksOf = async (member: Member): Promise<string> => await probe(fleet.client, member.address, 22)
  const isOpen = async (member: Member): Promise<void> => await looks(fleet.client, member.address, 22, 'open')
  const isShut = async (member: Member): Promise<void> => await looks(fleet.client, member.address, 22, 'refused')
  const openFor = async (seconds: number): Promise<void> => {
    const { stdout } = await postern(
      bastion.host,
      bastion,
      'open',
      'ssh',
      '--source',
      fleet.source,
      '--for',
      `${seconds}s`,
    )
    expect(stdout).toMatch(/is open to/)
  }
  const knock = async (knocks: readonly string[] = KNOCKS): Promise<void> => {
    await sendKnocks(fleet.client, bastion.address, knocks)
  }
  test(
    'a knock at the bastion opens the group alone, and closes it: by hand, at once',
    async () => {
      await isShut(web)
      const began = performance.now()
      await knock()
      await web.process.line(/told by bastion/)
      const took = performance.now() - began
      await isOpen(web)
      await isOpen(bastion)
      expect(await looksOf(db)).toBe('refused')
      const { openings: open } = await statusOf(web.host, web)
      expect(open).toMatchObject([{ door: 'ssh', source: fleet.source, user: 'alice', from: 'bastion' }])
      expect((await postern(web.host, web, 'status')).stdout).toMatch(/what +told by +left\n.* bastion /)
      const closing = performance.now()
      expect((await postern(bastion.host, bastion, 'close', 'ssh')).stdout).toMatch(/1 closed/)
      await web.process.line(/closed early, told by bastion/)
      console.log(
        `open on another host after ${took.toFixed(0)} ms, closed after ${(performance.now() - closing).toFixed(0)} ms`,
      )
      await isShut(web)
    },
    LIMIT_MS,
  )

  test(
    'how long it takes on the other host: from the line of the first one on',
    async () => {
      const [opened, closed]: [number[], number[]] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        await knock()
        await bastion.process.line(/OPEN SESAME/)
        const open = performance.now()
        await web.process.line(/open for \d+ s, told by bastion/)
        opened.push(performance.now() - open)
        const close = performance.now()
        await postern(bastion.host, bastion, 'close', 'ssh')
        await web.process.line(/closed early, told by bastion/)
        closed.push(performance.now() - close)
      }
      console.log(`open after ${figures(opened)}, closed by hand after ${figures(closed)}`)
      expect(Math.min(...opened)).toBeLessThan(1_000)
      expect(Math.min(...closed)).toBeLessThan(1_000)
    },
    LIMIT_MS,
  )

  test(
    'by hand, for its time, and for longer: the group closes with it, without a word',
    async () => {
      await openFor(3)
      await web.process.line(/opened by hand, by user root@bastion/)
      await isOpen(web)
      await openFor(8)
      await web.process.line(/is open already, and stays so for another [78] s/)
      const left = await leftAt(web)
      expect(left).toBeGreaterThan(4_000)
      expect(left).toBeLessThanOrEqual(8_000)
      await until('both are closed', async () => (await openings()).length === 0, 20_000)
      await isShut(web)
      // As far as the config of the other host allows.
      await openFor(300)
      await web.process.line(/open for (40|39) s/)
    },
    LIMIT_MS,
  )

  test(
    'a user who is unknown on a host opens it not, until that host knows them; a revoked one is closed',
    async () => {
      await knock(['5001', '5002', '5003'])
      await web.process.line(/stays shut, told by bastion: there is no user bob here/)
      expect(await looksOf(web)).toBe('refused')
      admit('alice', 'bob')
      await isOpen(web)
      admit('alice')
      await web.process.line(/access of bob revoked/)
      await isShut(web)
      expect(await leftAt(bastion)).toBeGreaterThan(0)
      // It was taken: that bob is back opens nothing until he knocks again.
      admit('alice', 'bob')
      await pause(2_000)
      expect(await looksOf(web)).toBe('refused')
    },
    LIMIT_MS,
  )

  test(
    'whoever can write to etcd opens nothing: forged, replayed, copied',
    async () => {
      const { keyspace, cluster } = fleet
      const etcd = cluster.client()
      await knock()
      await web.process.line(/open for \d+ s, told by bastion/)
      const { kvs } = await etcd.list(keyspace.opening('bastion', ''))
      // Earlier tests left the ends of theirs.
      const { key, value } = kvs.find((each) => each.value.includes('\\"action\\":\\"open\\"'))!
      await postern(bastion.host, bastion, 'close', 'ssh')
      await isShut(web)
      await until('etcd has the end', async () => (await etcd.get(key))?.value !== value)
      const ended = (await etcd.get(key))!.value
      await cluster.etcdctl('put', key, value)
      // This host keeps its own events as they should be.
      await until('the end is back', async () => (await etcd.get(key))?.value === ended)
      expect(await looksOf(web)).toBe('refused')
      const { privateKey } = generateKeyPairSync('ed25519')
      const body = JSON.parse((JSON.parse(value) as { body: string }).body) as { id: string; number: number }
      const at = Date.now()
      const forged = { ...body, number: at, at, until: at + 30_000 }
      for (const [host, text] of [
        ['bastion', signText(key, forged, { name: 'bastion', key: privateKey })],
        ['db1', signText(keyspace.opening('db1', body.id), forged, { name: 'db1', key: privateKey })],
        ['db1', value],
        ['mallory', signText(keyspace.opening('mallory', body.id), forged, { name: 'mallory', key: privateKey })],
        // Signed by a host, but for another place.
        ['db1', signText(key, forged, { name: 'db1', key: db.key })],
      ] as const)
        await etcd.put(keyspace.opening(host, body.id), text)
      await web.process.line(/an opening in etcd that (bastion|db1) has not signed is refused/)
      // The last of all is good, so that the others were seen.
      await etcd.put(
        keyspace.opening('db1', body.id),
        signText(keyspace.opening('db1', body.id), { ...forged, source: '198.51.100.9' }, { name: 'db1', key: db.key }),
      )
      await web.process.line(/198\.51\.100\.9: ssh: .*told by db1/)
      expect(await looksOf(web)).toBe('refused')
      for (const host of ['db1', 'mallory', 'bastion']) await etcd.delete(keyspace.opening(host, body.id))
      await postern(web.host, web, 'close', '--all')
    },
    LIMIT_MS,
  )

  test(
    'a host that was away opens for the rest; one that is killed stays open; a removed one closes',
    async () => {
      await web.process.stop()
      await knock()
      await isOpen(bastion)
      await fleet.again(web)
      await isOpen(web)
      const [here, there] = [await leftAt(bastion), await leftAt(web)]
      expect(Math.abs(here! - there!)).toBeLessThan(2_000)
      web.process.kill('SIGKILL')
      await web.process.ended
      await fleet.again(web)
      await isOpen(web)
      bastion.process.kill('SIGKILL')
      await bastion.process.ended
      await fleet.again(bastion)
      expect((await openings()).length).toBe(2)
      // The host still knows, after a restart, whom it has told.
      await pause(1_000)
      await postern(bastion.host, bastion, 'close', 'ssh')
      await isShut(web)
      await knock()
      await isOpen(web)
      await fleet.publish(fleet.members.filter((member) => member !== bastion))
      await web.process.line(/access of alice revoked/)
      await isShut(web)
      await fleet.publish()
    },
    LIMIT_MS,
  )

  test(
    'without etcd the host itself opens at once, and the group once etcd answers',
    async () => {
      const nodes = Array.from({ length: NODES }, (_, node) => node)
      for (const node of nodes) fleet.cluster.stop(node)
      const began = performance.now()
      await knock()
      await bastion.process.line(/OPEN SESAME/)
      console.log(`open at the host itself without etcd after ${(performance.now() - began).toFixed(0)} ms`)
      await isOpen(bastion)
      await bastion.process.line(/fleet unavailable: not told to the others/)
      expect(await looksOf(web)).toBe('refused')
      for (const node of nodes) fleet.cluster.cont(node)
      await isOpen(web)
      // The clock of an uptime has a resolution of 10 ms.
      const here = await leftAt(bastion)
      expect(await leftAt(web)).toBeLessThanOrEqual(here! + 20)
    },
    LIMIT_MS,
  )
})

function figures(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other)
  return `${sorted[0]!.toFixed(0)} ms at least, ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms p50, ${sorted.at(-1)!.toFixed(0)} ms at most`
}
