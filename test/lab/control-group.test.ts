// Goal: members of Control_Group do what knockd.conf(5) names, and no more: they learn nothing of secrets, open for nobody whom
// the door would not let in and for no longer than it does, and keep neither root nor each other from the daemon.
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { REQUEST_MAX_MS } from '../../src/control/server.ts'
import { socketPath } from '../../src/control/socket.ts'
import type { Reply, Request } from '../../src/control/message.ts'
import { MEMBER_OPENINGS_MAX } from '../../src/daemon/member.ts'
import { postern } from './guarded.ts'
import { startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const CONFIG = `[options]
Control_Group = nogroup
[ssh]
Sequence = 4021,811,3010
Open_Ports = tcp/22
Open_For = 30s
Seq_Timeout = 60
[home]
Sequence = 4022,812,3011
Open_Ports = tcp/2222
Allow_From = 192.0.2.0/24
[once]
One_Time_Sequences = generate
Open_Ports = tcp/8022
`
/** A user whose group is the config's, and one whose is not. */
const MEMBER = { uid: 1234, gid: 65_534 }
const OTHER = { uid: 1235, gid: 1235 }
/** Connections that a user tries to hold. */
const HELD = 40

/** Sends requests, one after the other's answer. */
const SEND = `const [path, ...requests] = process.argv.slice(1)
  const next = () => {
    const request = requests.shift()
    if (request === undefined) return
    const s = require('node:net').connect(path, () => s.write(request + '\\n'))
    s.on('data', (d) => process.stdout.write(d)).on('error', (e) => console.log(JSON.stringify({ error: e.code }))).on('close', next)
  }
  next()`
/** Holds connections and says how many; a byte now and then keeps each from being idle. */
const HOLD = `let open = 0; for (let i = 0; i < ${HELD}; i++) {
    const s = require('node:net').connect(process.argv[1], () => { open++; setInterval(() => s.write('{'), 500).unref?.() });
    s.on('error', () => undefined).on('close', () => { if (--open === 0) console.log('all ended') })
  }
  setTimeout(() => console.log('holding'), 500)`

interface User {
  readonly uid: number
  readonly gid: number
}

const as = ({ uid, gid }: User, argv: readonly string[]): readonly string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  ...argv,
]

async function ask(host: Host, daemon: Knockd, user: User, request: Request): Promise<Reply> {
  return (await askAll(host, daemon, user, [request]))[0]!
}

/** Asks for several things by one process, and gives the answers in their order. */
async function askAll(host: Host, daemon: Knockd, user: User, requests: readonly Request[]): Promise<readonly Reply[]> {
  const socket = socketPath(daemon.file, ['eth0'])
  // The daemon makes it right after it has said that it listens.
  await until('the control socket', () => existsSync(socket))
  const argv = [process.execPath, '-e', SEND, socket, ...requests.map((request) => JSON.stringify(request))]
  const { stdout } = await host.run(as(user, argv))
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Reply)
}

const error = (reply: Reply): string | undefined => ('error' in reply ? reply.error : undefined)

const shared = new SharedDaemon()

// It waits for a time limit, on a network of its own.
lab('Control_Group', { concurrent: true }, () => {
  test('a member that holds connections keeps nobody out, and holds none for ever', async () => {
    const { server } = await pair()
    const daemon = await startKnockd({ host: server, config: CONFIG })
    const holder = server.start(as(MEMBER, [process.execPath, '-e', HOLD, socketPath(daemon.file, ['eth0'])]))
    await holder.line(/holding/)
    const root = await postern(server, daemon, 'status')
    expect(root.stdout).toMatch(/^knockd /)
    expect(await ask(server, daemon, { ...MEMBER, uid: 1236 }, { command: 'status' })).toHaveProperty('status')
    await holder.line(/all ended/, REQUEST_MAX_MS + 10_000)
  })
})

lab('Control_Group', { concurrent: true }, () => {
  describe.sequential('with one daemon', () => {
    test('a member opens and closes what a door lets in, for as long as it does, and the log names the user', async () => {
      const { server, client, daemon } = await shared.with(CONFIG)
      await serveTcp(server, 22)
      const say = async (...requests: readonly Request[]): Promise<readonly Reply[]> =>
        await askAll(server, daemon, MEMBER, requests)
      expect(await ask(server, daemon, OTHER, { command: 'status' })).toEqual({ error: 'EACCES' })
      expect(await say({ command: 'open', door: 'ssh', source: CLIENT_4 })).toMatchObject([{ count: 1 }])
      await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: opened by hand, by user ${MEMBER.uid}$`))
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      const noHosts = ['0.0.0.0', '255.255.255.255', '127.0.0.1', '224.0.0.1', '::', '::1', 'ff02::1']
      const [brief, long, ...refused] = await say(
        { command: 'open', door: 'ssh', source: CLIENT_4, forMs: 5_000 },
        { command: 'open', door: 'ssh', source: CLIENT_4, forMs: 31_000 },
        ...noHosts.map((source) => ({ command: 'open', door: 'ssh', source }) as const),
      )
      expect(brief).toMatchObject({ count: 1 })
      expect(error(long!)).toMatch(/only root .*30 s/)
      expect(refused).toHaveLength(noHosts.length)
      for (const [index, reply] of refused.entries()) {
        expect(error(reply), noHosts[index]).toMatch(/not the address of a host/)
      }
      const [strange, home, rotated, closed] = await say(
        { command: 'open', door: 'home', source: '198.51.100.7' },
        { command: 'open', door: 'home', source: '192.0.2.77' },
        { command: 'rotate', door: 'once' },
        { command: 'close', door: 'ssh' },
      )
      expect(error(strange!)).toMatch(/Allow_From/)
      expect(home).toMatchObject({ count: 1 })
      expect(error(rotated!)).toMatch(/only root/)
      expect(closed).toMatchObject({ count: 1 })
      const root = await postern(server, daemon, 'open', 'ssh', '--for', '10m', '--source', CLIENT_4)
      expect(root.stdout).toBe(`ssh is open to ${CLIENT_4} for 600 s\n`)
    })

    test('a member cannot try ports by what status says of attempts, nor by its counts', async () => {
      const { server, client, daemon } = await shared.with(CONFIG)
      await sendKnocks(client, SERVER_4, ['4021'])
      await daemon.process.line(/Stage 1/)
      const [reply, metrics] = await askAll(server, daemon, MEMBER, [{ command: 'status' }, { command: 'metrics' }])
      const { status } = reply as Extract<Reply, { status: unknown }>
      expect(JSON.stringify(status)).not.toMatch(/stage|attempt|received|dropped/)
      const names = status.doors.map(({ name }) => name).filter((name) => !name.startsWith('reload'))
      expect(names).toEqual(['ssh', 'home', 'once'])
      const roots = await postern(server, daemon, 'status', '--json')
      expect(JSON.parse(roots.stdout)).toMatchObject({ attempts: { count: 1, listed: [{ stage: 1 }] } })
      expect(JSON.stringify(metrics)).toMatch(/postern_up 1/)
      expect(JSON.stringify(metrics)).not.toMatch(/attempts|refusals|scans|packets_(?:seen|taken)|ignored/)
      // Root sees the events of the knock, and a member sees none of them.
      const socket = socketPath(daemon.file, ['eth0'])
      const events = [process.execPath, '-e', SEND, socket, JSON.stringify({ command: 'events' })]
      expect((await server.run(events)).stdout).toMatch(/"event":"stage"/)
      const seen = (await server.run(as(MEMBER, events))).stdout
      // Behind the start or the reload before this test, there is nothing for a member.
      expect(seen.replace(/^[^]*"event":"(?:starting|re-reading)".*\n/, '')).toBe('{"end":"events"}\n')
    })

    test('a member fills neither the doors nor the log', async () => {
      const { server, daemon } = await shared.with(CONFIG)
      const script = `const net = require('node:net'); const said = {}; let left = 120
      const next = (i) => { const s = net.connect(process.argv[1], () => s.write(JSON.stringify({ command: 'open', door: 'ssh', source: '198.51.100.' + i }) + '\\n'))
        let text = ''
        s.on('data', (d) => text += d).on('error', () => undefined).on('close', () => {
          const key = text === '' ? 'nothing' : JSON.parse(text).error ?? 'open'; said[key] = (said[key] ?? 0) + 1
          if (--left === 0) console.log(JSON.stringify(said)); else next(i + 1) }) }
      next(1)`
      const argv = [process.execPath, '-e', script, socketPath(daemon.file, ['eth0'])]
      const said = JSON.parse((await server.run(as(MEMBER, argv))).stdout) as Readonly<Record<string, number>>
      expect(said['open']).toBeLessThanOrEqual(MEMBER_OPENINGS_MAX)
      expect(daemon.process.count(/by hand/)).toBe(said['open'])
      expect(Object.keys(said).join()).toMatch(/too many/)
      // Somebody else's share is not touched.
      expect(
        await ask(server, daemon, { ...MEMBER, uid: 1236 }, { command: 'open', door: 'ssh', source: CLIENT_4 }),
      ).toMatchObject({
        count: 1,
      })
    })
  })
})
