// Goal: no change of the guard by another program goes unnoticed: not where something else reads the kernel's news of it,
// where there is too much of it, or where the daemon changes the table at the same moment.
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import koffi from 'koffi'
import { expect, test } from 'vitest'
import { nft } from './firewall.ts'
import { isGuarded, knockIn, sshConfig, statusOf, timesLeft } from './guarded.ts'
import { MODULES, startKnockd, withStateDir } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'
import { withSockets } from './sockets.ts'

const shared = new SharedDaemon()
const BACK = /another program took the guard out of the rules: it is back/
/** More milliseconds than pass between two looks of a daemon at its own state. */
const LOOKS_MS = 500
/** netlink(7), socket(7) */
const AF_NETLINK = 16
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
/** Bytes that the daemon's socket has room for, in the end and while news of it is to be lost. */
const ROOM_BYTES = 8 * 1_048_576
const LITTLE_ROOM_BYTES = 4_096
/** Elements with news of more bytes than these. */
const MANY = 1_000

const setsockopt = koffi
  .load(null)
  .func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')

/** Sets the room for news that have yet to be read by a daemon. */
function setRoom(pid: number, bytes: number): void {
  const value = Buffer.from(new Int32Array([bytes]).buffer)
  const set = (fd: number): void => expect(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, value.length)).toBe(0)
  expect(withSockets(pid, AF_NETLINK, set)).toBeGreaterThan(0)
}

/** News that a daemon's namespace has lost so far: the ninth column of the sockets' table. */
function lost(pid: number): number {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').trim().split('\n')
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[8]), 0)
}

/** A set that is filled and emptied several times. */
function flood(): string {
  const elements = Array.from({ length: MANY }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
  return `add table ip t\nadd set ip t s { type ipv4_addr; }\n${`add element ip t s { ${elements.join()} }\nflush set ip t s\n`.repeat(2)}`
}

/**
 * Runs in the namespace, with nothing read from the event loop in between: prints in which state the table was when it was
 * restored, for each of a few things that this process and another program do.
 */
function script(): string {
  return `
    import { execFileSync } from 'node:child_process'
    import { TableWatch } from '${MODULES}/daemon/table-watch.js'
    import { Nftables } from '${MODULES}/native/nftables.js'
    const RULES = 'add table inet postern\\ndelete table inet postern\\ntable inet postern { set s { type ipv4_addr; }; chain c { }; }'
    const own = new Nftables()
    const install = () => own.run(RULES)
    const add = (address) => own.run('add element inet postern s { ' + address + ' }')
    const other = (command) => execFileSync('nft', [command])
    install()
    const results = {}
    const restored = []
    const repair = (state) => (restored.push(state), install(), true)
    const watch = new TableWatch({ log: { notice: () => undefined }, repair })
    watch.start()
    const take = (name, act) => {
      restored.length = 0
      act()
      watch.check()
      results[name] = restored.join()
    }
    take('nothing', () => undefined)
    take('own', () => (install(), add('192.0.2.1'), watch.replace(install)))
    take('between own', () => (add('192.0.2.1'), other('delete element inet postern s { 192.0.2.1 }'), add('192.0.2.2')))
    take('before replaced', () => (other('flush ruleset'), watch.replace(install)))
    take('just before replaced', () => watch.replace(() => (other('flush ruleset'), install())))
    take('just behind replaced', () => watch.replace(() => (install(), other('flush ruleset'))))
    take('other table', () => watch.replace(() => (other('add table inet other'), install())))
    watch.stop()
    own.close()
    console.log(JSON.stringify(results))
  `
}

lab('the guard', () => {
  test('is known to have been away, whatever the daemon changed right before and behind that', async () => {
    const { server } = await pair()
    const file = `${scratch('news')}.mjs`
    writeFileSync(file, script())
    expect(JSON.parse((await server.run([process.execPath, file])).stdout)).toEqual({
      nothing: '',
      own: '',
      'between own': 'changed',
      'before replaced': 'gone',
      'just before replaced': 'changed',
      'just behind replaced': 'changed',
      'other table': '',
    })
  })

  test('is back when it went just before the daemon told its service manager of it', async () => {
    const { server } = await pair()
    // It looks at its own state all the time.
    const env = { NOTIFY_SOCKET: scratch('notify'), WATCHDOG_USEC: '30000' }
    const daemon = await startKnockd({ host: server, config: sshConfig(60), env })
    for (let times = 0; times < 3; times++) {
      // Held still, it is late with its look, which comes before the event loop reads anything.
      daemon.process.kill('SIGSTOP')
      await nft(server, 'flush ruleset')
      await pause(LOOKS_MS)
      daemon.process.kill('SIGCONT')
      await daemon.process.line(BACK)
      expect(await isGuarded(server)).toBe(true)
    }
    await daemon.process.stop()
  })

  test('is back when the news of it was lost among others', async () => {
    const { server, client, daemon } = await shared.with(sshConfig(600))
    await knockIn(client, SERVER_4, daemon.process)
    for (const change of ['flush set inet postern open4', 'flush ruleset']) {
      daemon.process.kill('SIGSTOP')
      setRoom(daemon.process.pid, LITTLE_ROOM_BYTES)
      const before = lost(daemon.process.pid)
      await nft(server, flood())
      await nft(server, change)
      expect(lost(daemon.process.pid)).toBeGreaterThan(before)
      setRoom(daemon.process.pid, ROOM_BYTES)
      daemon.process.kill('SIGCONT')
      await daemon.process.line(BACK)
      expect([...(await timesLeft(server)).keys()]).toHaveLength(1)
    }
  })

  test('is nobody’s concern once the config asks for none', async () => {
    const { server, daemon } = await shared.with(sshConfig(60))
    const doors = '[look]\nSequence = 7301,822,9403\nStart_Command = true\n'
    writeFileSync(daemon.file, withStateDir(doors, daemon.stateDir))
    daemon.process.kill('SIGHUP')
    await until('it is gone', async () => !(await isGuarded(server)))
    await nft(server, 'add table inet postern')
    await nft(server, 'delete table inet postern')
    const { guard } = await statusOf(server, daemon)
    expect([guard, daemon.process.count(BACK)]).toEqual([undefined, 0])
  })
})
