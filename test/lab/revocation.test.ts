// Goal: nothing that was opened outlasts the right to open it, whatever opened it, whatever has changed and whenever: a file
// while the daemon runs, a door's file at a reload, anything while it is stopped. And nobody else's opening goes with it.
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeSyn } from '../../src/peer/knockknock/syn.ts'
import type { KnockknockKeys } from '../../src/peer/knockknock/syn.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { sealClaim } from '../../src/spa/noise/packet.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { SLOW, sample } from '../slow.ts'
import { postern } from './guarded.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendDatagrams, sendKnocks, serveTcp } from './service.ts'
import { rested } from './single-packets.ts'
import { writeProfile } from '../peer/profile.ts'

const KNOCK_PORT = 666
const SPA_PORT = 62_201
const SERVER_SECRET = new Uint8Array(32).fill(11)

const shared = new SharedDaemon()
let running: Process | undefined

/** Replaces a file as editors do. */
const write = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

const secretOf = (byte: number): TotpSecret => ({
  key: new Uint8Array(20).fill(byte),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 3_600,
})
/** Codes of this period and its neighbours: each can be used once. */
const codeKnocks = (byte: number, periods: number): readonly string[] =>
  knocksOfCode(codeOf(secretOf(byte), periodAt(secretOf(byte), Date.now()) + periods)).map(({ port }) => String(port))
const uri = (byte: number): string => secretUri(secretOf(byte), 'gate', 'ssh')

const pairOf = (byte: number): ReturnType<typeof keyPairOf> => keyPairOf(new Uint8Array(32).fill(byte))
const userLine = (byte: number, name: string, options = 'packet-source'): string =>
  `${options} ${formatKey('postern-user', pairOf(byte).publicKey)} ${name}\n`
const sendPacket = async (client: Host, byte: number, wanted?: number): Promise<void> => {
  const claim = {
    wanted:
      wanted === undefined
        ? ({ kind: 'door', door: 'd' } as const)
        : ({ kind: 'ports', ports: [{ protocol: 6, port: wanted }] } as const),
    address: undefined,
    openS: 0,
  }
  const server = keyPairOf(SERVER_SECRET).publicKey
  const sealed = sealClaim({ user: pairOf(byte), server, claim, unixMs: Date.now(), random: randomBytes(32) })
  if ('fault' in sealed) throw new Error(sealed.fault)
  await rested()
  await sendDatagrams(client, SERVER_4, SPA_PORT, [sealed.packet])
}

const base64 = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString('base64')
const stanza = (byte: number, more = ''): string =>
  `SOURCE ANY\nKEY_BASE64 ${base64(byte)}\nHMAC_KEY_BASE64 ${base64(byte + 100, 64)}\n${more}`
const sendFwknop = async (client: Host, byte: number): Promise<void> => {
  const home = scratch('home')
  mkdirSync(home)
  const keys = ['--key-base64-rijndael', base64(byte), '--key-base64-hmac', base64(byte + 100, 64), '--use-hmac']
  const argv = ['fwknop', '--no-rc-file', '-D', SERVER_4, '-a', CLIENT_4, '-A', 'tcp/22', ...keys]
  await client.run(argv, { env: { HOME: home } })
}

const keysOf = (byte: number): KnockknockKeys => ({
  cipherKey: new Uint8Array(16).fill(byte),
  macKey: new Uint8Array(16).fill(byte + 1),
})
const profile = (folder: string, name: string, byte: number): void => writeProfile(join(folder, name), keysOf(byte))
const sendSyn = async (client: Host, byte: number, counter: number): Promise<void> => {
  const { identification, sequence, acknowledgment, window } = encodeSyn(22, keysOf(byte), counter)
  const fields = ['-N', identification, '-w', window, '-M', sequence, '-L', acknowledgment].map(String)
  await client.run(['hping3', '-S', '-c', '1', '-p', String(KNOCK_PORT), ...fields, SERVER_4], { mayFail: true })
}

/** The files that say who may open, one after the other, and the sequences of each that is a list. */
const TIMES = ['first', 'second', 'third']
const ONE_TIME = [
  ['7431', '8020'],
  ['7432', '8021'],
  ['7433', '8022'],
]
const timeOf = (path: string): number => TIMES.findIndex((name) => path.endsWith(name))

/** A way to open a door, and to lose the right to. */
interface Way {
  /** The door's lines, with the path that says who may open it. */
  readonly lines: (path: string) => string
  /** Writes it: with who opens, or without. */
  readonly make: (path: string, who: 'alice' | 'nobody') => void
  /** Tries to open it for the first, second or third time, until it opens. */
  readonly open: (client: Host, time: number) => Promise<unknown>
}

const FILES: Readonly<Record<string, Way>> = {
  'a list of one-time sequences': {
    lines: (path) => `One_Time_Sequences = ${path}`,
    make: (path, who) =>
      write(path, who === 'alice' ? ` ${ONE_TIME[timeOf(path)]!.join()}\n 9123,6001\n` : ' 5001,5002\n'),
    open: (client, time) => sendKnocks(client, SERVER_4, ONE_TIME[time]!),
  },
  'a secret of codes': {
    lines: (path) => `TOTP_Secret_File = ${path}`,
    make: (path, who) => write(path, `${uri(who === 'alice' ? 1 : 2)}\n`),
    open: (client, time) => sendKnocks(client, SERVER_4, codeKnocks(1, time - 1)),
  },
  'a user with a sequence': {
    lines: (path) => `Users = ${path}`,
    make: (path, who) => write(path, `${who === 'alice' ? 'alice 7431,8020\n' : ''}bob 6001,6002\n`),
    open: (client) => sendKnocks(client, SERVER_4, ['7431', '8020']),
  },
  'a user with codes, whose secret is replaced': {
    lines: (path) => `Users = ${path}`,
    make: (path, who) => write(path, `alice ${uri(who === 'alice' ? 1 : 2)}\nbob 6001,6002\n`),
    open: (client, time) => sendKnocks(client, SERVER_4, codeKnocks(1, time - 1)),
  },
  'a packet of our own': {
    lines: (path) => `SPA = postern\nSPA_Users = ${path}`,
    make: (path, who) => write(path, `${who === 'alice' ? userLine(12, 'alice') : ''}${userLine(13, 'bob')}`),
    open: (client) => sendPacket(client, 12),
  },
  'a packet of our own, its key replaced under the same name': {
    lines: (path) => `SPA = postern\nSPA_Users = ${path}`,
    make: (path, who) => write(path, userLine(who === 'alice' ? 12 : 14, 'alice')),
    open: (client) => sendPacket(client, 12),
  },
  'a packet of our own, narrowed to other ports': {
    lines: (path) => `SPA = postern\nSPA_Users = ${path}`,
    make: (path, who) => write(path, userLine(12, 'alice', `packet-source ports=tcp/${who === 'alice' ? 22 : 80}`)),
    open: (client) => sendPacket(client, 12, 22),
  },
  'a stanza of fwknop’s': {
    lines: (path) => `SPA = fwknop\nAccess_File = ${path}`,
    make: (path, who) => write(path, `${who === 'alice' ? stanza(7) : ''}${stanza(8)}`),
    open: (client) => sendFwknop(client, 7),
  },
  'a stanza of fwknop’s, narrowed to other ports': {
    lines: (path) => `SPA = fwknop\nAccess_File = ${path}`,
    make: (path, who) => write(path, stanza(7, `OPEN_PORTS tcp/${who === 'alice' ? 22 : 80}\n`)),
    open: (client) => sendFwknop(client, 7),
  },
  'keys of fwknop’s': {
    lines: (path) => `SPA = fwknop\nFwknop_Keys = ${path}`,
    make: (path, who) => write(path, stanza(who === 'alice' ? 7 : 8).replace(/^SOURCE ANY\n/, '')),
    open: (client) => sendFwknop(client, 7),
  },
  'a profile of knockknock’s': {
    lines: (path) => `SPA = knockknock\nProfiles = ${path}`,
    make: (path, who) => {
      profile(path, 'bob', 30)
      if (who === 'alice') profile(path, 'alice', 20)
      else rmSync(join(path, 'alice'), { recursive: true, force: true })
    },
    open: (client, time) => sendSyn(client, 20, time),
  },
}

const notesOf = (notes: string): readonly string[] =>
  readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

/** What was knocked on a list that is gone is no scan here. */
const optionsOf = (): string => {
  const key = scratch('server.key')
  writeFileSync(key, `${formatKey('postern-server-secret', SERVER_SECRET)}\n`, { mode: 0o600 })
  return `[options]\nScan_Ports = 0\nSPA_Key_File = ${key}\n`
}

const configOf = (lines: string, notes: string): string => {
  const commands = `Start_Command = echo open >> ${notes}\nStop_Command = echo close >> ${notes}`
  return `${optionsOf()}[d]\n${lines}\nOpen_Ports = tcp/22\nOpen_For = 10m\n${commands}\n`
}

/** The same state, as a reload cannot change it. */
const withState = (config: string, { stateDir }: Knockd): string =>
  config.replace('[options]\n', `[options]\nStateDir = ${stateDir}\n`)

const again = async (): Promise<Process> => {
  running = await shared.again()
  return running
}

interface Opened {
  readonly server: Host
  readonly client: Host
  readonly daemon: Knockd
  readonly notes: string
  /** Opens the door once more: what counts is what comes from now on. */
  readonly reopened: (open: () => Promise<unknown>) => Promise<void>
  /** Waits until the door is shut and its stop command has run, once. */
  readonly closed: (process: Process) => Promise<void>
}

const REVOKED = /^192\.0\.2\.2: d: access( of \S+)? revoked$/
/** Milliseconds after which a door that may be opened by now is tried again. */
const TRY_MS = 500
/** Milliseconds within which it has to open. */
const OPEN_LIMIT_MS = 30_000

/** Tries to open a door until it is open. Not `until`, which would take a long pause after a try that waits. */
const tryUntil = async (way: () => Promise<unknown>, isOpen: () => boolean): Promise<void> => {
  const limit = performance.now() + OPEN_LIMIT_MS
  while (!isOpen()) {
    await way()
    const end = performance.now() + TRY_MS
    await until('it opens', () => isOpen() || performance.now() > end)
    if (!isOpen() && performance.now() > limit) throw new Error(`still shut after ${OPEN_LIMIT_MS} ms`)
  }
}

/** A daemon with one door, which is open. */
const opened = async (lines: string, open: (client: Host) => Promise<unknown>): Promise<Opened> => {
  const notes = scratch('notes')
  const { server, client, daemon } = await shared.with(configOf(lines, notes))
  await serveTcp(server, 22)
  running = daemon.process
  let before: readonly string[] = []
  let revoked = 0
  const reopened = async (way: () => Promise<unknown>): Promise<void> => {
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    before = notesOf(notes)
    revoked = running!.count(REVOKED)
    const sesames = running!.count(/OPEN SESAME/)
    await tryUntil(way, () => running!.count(/OPEN SESAME/) > sesames)
    await running!.line(/OPEN SESAME/)
    await until('the commands', () => notesOf(notes).length === before.length + 1)
    await until('the port', async () => (await probe(client, SERVER_4, 22)) === 'open')
  }
  await reopened(async () => await open(client))
  const closed = async (process: Process): Promise<void> => {
    const known = process === daemon.process ? revoked : 0
    await process.line(REVOKED)
    await until('the port to close', async () => (await probe(client, SERVER_4, 22)) !== 'open')
    await until('the stop command', () => notesOf(notes).length === before.length + 2)
    expect(notesOf(notes)).toEqual([...before, 'open', 'close'])
    expect(process.count(/^192.*revoked/)).toBe(known + 1)
  }
  return { server, client, daemon, notes, reopened, closed }
}

lab('revoked', () => {
  // One daemon a kind: a door that was closed can be opened again by who has the right to once more.
  // Without SLOW each kind of secret, and for one kind each way to take it away.
  const kinds = sample(Object.entries(FILES), ([name]) => !/whose secret|fwknop’s, narrowed|keys of fwknop/.test(name))
  test.each(kinds)(
    '%s: by a change of its file, by another file at a reload, and with SLOW while the daemon was not there',
    async (_, { lines, make, open }) => {
      const [first, second, third] = TIMES.map((name) => scratch(name)) as [string, string, string]
      const none = scratch('none')
      make(first, 'alice')
      const { client, daemon, notes, reopened, closed } = await opened(lines(first), (from) => open(from, 0))
      make(first, 'nobody')
      await closed(daemon.process)

      const reload = (path: string, who: 'alice' | 'nobody'): void => {
        make(path, who)
        writeFileSync(daemon.file, withState(configOf(lines(path), notes), daemon))
        daemon.process.kill('SIGHUP')
      }
      reload(second, 'alice')
      await reopened(async () => await open(client, 1))
      reload(none, 'nobody')
      await closed(daemon.process)

      // Without SLOW a start finds all kinds of secrets changed at once: see below.
      if (!SLOW) return
      reload(third, 'alice')
      await reopened(async () => await open(client, 2))
      daemon.process.kill('SIGKILL')
      await daemon.process.ended
      make(third, 'nobody')
      await closed(await again())
    },
  )

  test('each kind of secret: by a change while the daemon was not there', async () => {
    const ways = Object.entries(FILES).filter(([kind]) => !/replaced|narrowed|keys of/.test(kind))
    const doors = ways.map(([, way], index) => {
      const path = scratch(TIMES[2]!)
      way.make(path, 'alice')
      const lines = way.lines(path)
      // A packet of our own names its door.
      return { way, path, text: lines, name: lines.includes('SPA = postern') ? 'd' : `d${index}` }
    })
    const texts = doors.map(({ name, text }) => `[${name}]\n${text}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`)
    const { server, client, daemon } = await shared.with(`${optionsOf()}${texts.join('')}`)
    await serveTcp(server, 22)
    for (const { name, way } of doors) {
      const sesame = new RegExp(`^192\\.0\\.2\\.2: ${name}: OPEN SESAME`)
      await tryUntil(
        async () => await way.open(client, 2),
        () => daemon.process.count(sesame) > 0,
      )
    }
    await until('the port', async () => (await probe(client, SERVER_4, 22)) === 'open')
    daemon.process.kill('SIGKILL')
    await daemon.process.ended
    for (const { way, path } of doors) way.make(path, 'nobody')
    const after = await again()
    for (const { name } of doors) {
      const revoked = new RegExp(`^192\\.0\\.2\\.2: ${name}: access( of \\S+)? revoked$`)
      await until(`${name} is revoked`, () => after.count(revoked) === 1)
    }
    await until('the port to close', async () => (await probe(client, SERVER_4, 22)) !== 'open')
  })

  test('a fixed sequence, by a reload; one that stays the same keeps the door open', async () => {
    const { daemon, closed, client, notes } = await opened('Sequence = 7431,8020', (from) =>
      sendKnocks(from, SERVER_4, ['7431', '8020']),
    )
    writeFileSync(daemon.file, withState(configOf('Seq_Timeout = 20\nSequence = 7431,8020', notes), daemon))
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/re-?reading|rereading/i)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    writeFileSync(daemon.file, withState(configOf('Sequence = 7431,8021', notes), daemon))
    daemon.process.kill('SIGHUP')
    await closed(daemon.process)
    const name = readdirSync(daemon.stateDir).find((each) => each.endsWith('.journal'))!
    const journal = readFileSync(join(daemon.stateDir, name), 'utf8')
    expect(journal).toMatch(/"holder":"sequence:/)
    expect(journal).not.toMatch(/\b7431\b/)
  })

  test('by Allow_From', async () => {
    const sequence = 'Sequence = 7431,8020'
    const first = await opened(sequence, (from) => sendKnocks(from, SERVER_4, ['7431', '8020']))
    writeFileSync(
      first.daemon.file,
      withState(configOf(`${sequence}\nAllow_From = 198.51.100.0/24`, first.notes), first.daemon),
    )
    first.daemon.process.kill('SIGHUP')
    await first.closed(first.daemon.process)
  })
})

lab('not revoked', () => {
  test('whoever else opened the same door from the same address, for as long as they may', async () => {
    const path = scratch('who')
    write(path, 'alice 7431,8020\nbob 6001,6002\n')
    const { daemon, client } = await opened(`Users = ${path}`, (from) => sendKnocks(from, SERVER_4, ['7431', '8020']))
    await sendKnocks(client, SERVER_4, ['6001', '6002'])
    await daemon.process.line(/OPEN SESAME \(bob\)/)
    await daemon.process.line(/is open already/)
    write(path, 'bob 6001,6002\n')
    await daemon.process.line(/^192.*access of alice revoked/)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    write(path, 'carol 5001,5002\n')
    await daemon.process.line(/^192.*access of bob revoked/)
    await until('the port to close', async () => (await probe(client, SERVER_4, 22)) !== 'open')
    expect(daemon.process.count(/^192.*revoked/)).toBe(2)
  })

  test('what was opened by hand', async () => {
    const path = scratch('who')
    write(path, 'alice 7431,8020\n')
    const { daemon, server, client } = await opened(`Users = ${path}`, (from) =>
      sendKnocks(from, SERVER_4, ['7431', '8020']),
    )
    expect((await postern(server, daemon, 'open', 'd', '--source', CLIENT_4)).stderr).toBe('')
    write(path, 'bob 6001,6002\n')
    await daemon.process.line(/^192.*access of alice revoked/)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/re-?reading|rereading/i)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
  })

  test('by a slip: a file that cannot be read leaves everything as it was, at the start too', async () => {
    const path = scratch('who')
    write(path, userLine(12, 'alice'))
    const { daemon, client, closed } = await opened(`SPA = postern\nSPA_Users = ${path}`, (from) =>
      sendPacket(from, 12),
    )
    write(path, `${userLine(12, 'alice')}nonsense\n`)
    await daemon.process.line(/keeping the previous users/)
    chmodSync(path, 0o666)
    await daemon.process.line(/others than its owner can change it \(mode 0666\)\n?/)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    daemon.process.kill('SIGKILL')
    await daemon.process.ended
    const after = await again()
    expect(after.count(/opens to nobody/)).toBe(1)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    // Once it can be read, it counts.
    write(path, userLine(13, 'bob'))
    await closed(after)
  })
})

lab('taken out for good', () => {
  test('whoever a file with an error names no more is out, and nobody else is', async () => {
    const path = scratch('who')
    write(path, `${userLine(12, 'alice')}${userLine(13, 'bob')}`)
    const { daemon, client, closed } = await opened(`SPA = postern\nSPA_Users = ${path}`, (from) =>
      sendPacket(from, 12),
    )
    write(path, `# saved elsewhere\r${userLine(13, 'bob').replace('\n', '\r')}`)
    await closed(daemon.process)
    await sendPacket(client, 12)
    await sendPacket(client, 13)
    expect(await daemon.process.line(/OPEN SESAME/)).toMatch(/\(bob\)/)
  })

  test('a carriage return in a file of users: who was deleted in the same save does not get in', async () => {
    const path = scratch('who')
    write(path, 'alice 7431,8020\nbob 6001,6002\n')
    const { daemon, client, closed } = await opened(`Users = ${path}`, (from) =>
      sendKnocks(from, SERVER_4, ['7431', '8020']),
    )
    write(path, 'bob 6001,6002\rcarol 5001,5002\r\n')
    await daemon.process.line(/:1:14: warning: <U\+000D> in this line ends it/)
    await closed(daemon.process)
    await sendKnocks(client, SERVER_4, ['7431', '8020'])
    await sendKnocks(client, SERVER_4, ['6001', '6002'])
    expect(await daemon.process.line(/OPEN SESAME/)).toMatch(/\(bob\)/)
  })
})
