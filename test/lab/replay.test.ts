// Goal: what replay says of a capture is what the daemon did while it was made: the same doors, the same lines, in the
// same order, whatever wrote the file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { UDP } from '../../src/packet/packet.ts'
import { encodeSyn } from '../../src/peer/knockknock/syn.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { ip4, ip6 } from '../packets/build.ts'
import { pcapFile } from '../packets/capture.ts'
import { writeProfile } from '../peer/profile.ts'
import { sendFrames } from './frames.ts'
import { STANZA, fwknop, secretFile } from './fwknop.ts'
import { asked } from './guarded.ts'
import { knock, program, startKnockd, REAL_KNOCK } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import type { Output, Process } from './process.ts'
import { run, until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'
import { playing, record } from './recorded.ts'

/** Runs a command without any capability (capabilities(7)). */
const POWERLESS = 'setpriv --bounding-set=-all --inh-caps=-all'

const CONFIG = (list: string, notes: string): string => `[options]
[ssh]
Sequence = 7301,5401:udp,8822
Seq_Timeout = 1s
Open_Ports = tcp/22
Open_For = 1s
[once]
One_Time_Sequences = ${list}
Start_Command = echo open %IP% >> ${notes}
Stop_Command = echo close %IP% >> ${notes}
Cmd_Timeout = 1
`

/** What the daemon and the replay both say of sources, without times. */
const LINE =
  /^(?:\S+ )?(\S+: (?:\w+: (?:Stage \d|OPEN SESAME|sequence timeout \(stage \d\)|command timeout)|port scan, ignored .*))$/

const told = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => LINE.exec(line)?.[1] ?? []).map((line) => line.replace(/^\[.*?\] /, ''))

/** Records so many bytes of each packet; all without it. */
const dump = async (host: Host, device: string, file: string, bytes = 0): Promise<Process> =>
  await record(host, device, file, '-s', String(bytes))

/** In this process. The last test runs the program. */
async function replay(...args: readonly string[]): Promise<Output> {
  return await asked(['replay', ...args])
}

/** What is said of frames that were cut. */
const tooShort = (file: string, count: string): RegExp =>
  new RegExp(`^postern: ${file}: ${count} frames are cut too short to tell whether they are knocks\n  tcpdump -s 0 `)

/** The lines about openings and single packets. */
const about = (all: readonly string[]): readonly string[] =>
  all.flatMap((line) => /(?:\S+: \w+: OPEN SESAME.*|packet of .*|\S+: .*(?:copy|replay).*)$/.exec(line) ?? [])

/** How often the daemon says so depends on the moment at which it took each copy. */
const COPY = 'single packet: a copy of an earlier one'
const withoutCopies = (all: readonly string[]): readonly string[] => all.filter((line) => !line.endsWith(COPY))

/** A copy of a pcap file whose frames came an hour later (pcap-savefile(5)). */
function anHourLater(file: string): string {
  const bytes = readFileSync(file)
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
    bytes.writeUInt32LE(bytes.readUInt32LE(at) + 3_600, at)
  }
  const later = scratch('later.pcap')
  writeFileSync(later, bytes)
  return later
}

lab('replay', { concurrent: true }, () => {
  test('says what the daemon did, from an interface and from any', async () => {
    const { server, client } = await pair()
    const list = scratch('list')
    writeFileSync(list, ' 4001,4002\n 4003,4004\n')
    const fresh = scratch('fresh')
    writeFileSync(fresh, readFileSync(list))
    const notes = scratch('notes')
    const daemon = await startKnockd({ host: server, config: CONFIG(list, notes) })
    const captures = { eth0: scratch('eth0.pcap'), any: scratch('any.pcap') }
    const dumps = [await dump(server, 'eth0', captures.eth0), await dump(server, 'any', captures.any)]
    const knocks: readonly (readonly [string, ...string[]])[] = [
      [SERVER_4, '7301', '5401:udp', '8822'],
      [SERVER_6, '7301', '5401:udp', '8822'],
      [SERVER_4, '7301', '8822', '5401:udp'],
      [SERVER_4, '4001', '4002'],
      [SERVER_4, '4001', '4002'],
      [SERVER_6, '4003', '4004'],
    ]
    // An opening is told once it is on disk, which may be after the next knock.
    const openedBy = [1, 2, 2, 3, 3, 4]
    for (const [index, [address, ...ports]] of knocks.entries()) {
      await sendKnocks(client, address, ports)
      await until('it opens', () => daemon.process.count(/OPEN SESAME/) >= openedBy[index]!)
    }
    await client.run([REAL_KNOCK, SERVER_4, '7301', '5401:udp', '8822'])
    await daemon.process.line(/command timeout/)
    await daemon.process.line(/command timeout/)
    // A half sequence, and then its time: told by the daemon's timer, by replay when the next packet comes.
    await sendKnocks(client, SERVER_4, ['7301'])
    await daemon.process.line(/sequence timeout \(stage 1\)/)
    await client.run(['nmap', '-n', '-Pn', '-sS', '-p', '1000-1100', SERVER_4], { limitMs: 60_000 })
    await daemon.process.line(/port scan/)
    await Promise.all(dumps.map(async (each) => each.stop()))
    const did = told(daemon.process.lines)
    expect(did.filter((line) => line.includes('OPEN SESAME'))).toHaveLength(5)
    const config = scratch('replay.conf')
    writeFileSync(config, CONFIG(fresh, notes))
    const before = [readFileSync(fresh, 'utf8'), readFileSync(notes, 'utf8')]
    for (const file of Object.values(captures)) {
      const { code, stdout, stderr } = await replay('-c', config, '--own', SERVER_4, '--own', SERVER_6, file)
      expect([code, stderr]).toEqual([0, 'postern: once: no sequence is left in its list\n'])
      expect(told(stdout.split('\n'))).toEqual(did)
      expect(stdout).toContain(`${CLIENT_4}: once: would run: echo open ${CLIENT_4} >> ${notes}`)
      expect(stdout).toContain(`${CLIENT_6}: ssh: tcp/22 would be open for 1 s`)
      expect(stdout).toMatch(new RegExp(`^${CLIENT_6}: .*ssh opened.*once opened`, 'm'))
      expect(stdout).toMatch(/wrong knock/)
    }
    expect([readFileSync(fresh, 'utf8'), readFileSync(notes, 'utf8')]).toEqual(before)

    const { stdout } = await replay('-c', config, '--json', '--all', captures.eth0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; source?: string; time?: string })
    expect(events.at(-1)).toMatchObject({ event: 'summary', opened: 5 })
    expect(events.filter(({ event }) => event === 'open')).toHaveLength(5)
    const times = events.flatMap(({ time }) => (time === undefined ? [] : [time]))
    expect(times).toEqual(times.toSorted())
  })

  test('takes knocks out of packets that were cut at 68 bytes, and says of how many that cannot be told', async () => {
    const { server, client } = await pair()
    // No commands: a door that opens again for a source waits for its last command, and others open meanwhile.
    const text =
      '[tcp]\nSequence = 7301,8822\nOpen_Ports = tcp/22\n[udp]\nSequence = 7302:udp,8823:udp\nOpen_Ports = tcp/23\n'
    const daemon = await startKnockd({ host: server, config: text })
    const files = {
      whole: scratch('0.pcap'),
      cut: scratch('68.pcap'),
      any: scratch('any.pcap'),
      none: scratch('36.pcap'),
    }
    const dumps = [
      await dump(server, 'eth0', files.whole),
      await dump(server, 'eth0', files.cut, 68),
      await dump(server, 'any', files.any, 68),
      await dump(server, 'eth0', files.none, 36),
    ]
    const doors = { tcp: ['7301', '8822'], udp: ['7302:udp', '8823:udp'] }
    for (const address of [SERVER_4, SERVER_6]) {
      for (const words of Object.values(doors)) await sendKnocks(client, address, words)
    }
    for (const link of ['VLAN', 'QinQ']) {
      for (const [packet, from, to] of [
        [ip4, CLIENT_4, SERVER_4],
        [ip6, CLIENT_6, SERVER_6],
      ] as const) {
        const packets = [7301, 8822].map((port, index) => packet({ from, to, port, sequence: index }))
        const datagrams = [7302, 8823].map((port, index) =>
          packet({ from, to, port, protocol: UDP, identification: index }),
        )
        await sendFrames(client, server, link, [...packets, ...datagrams])
      }
    }
    for (let opening = 0; opening < 12; opening++) await daemon.process.line(/OPEN SESAME/)
    await Promise.all(dumps.map(async (each) => each.stop()))
    const config = writeConfig(text)
    const replays = async (file: string): Promise<Output & { readonly opened: readonly string[] }> => {
      const output = await replay('-c', config, '--own', SERVER_4, '--own', SERVER_6, file)
      return { ...output, opened: told(output.stdout.split('\n')).filter((line) => line.includes('OPEN')) }
    }
    const did = told(daemon.process.lines).filter((line) => line.includes('OPEN'))
    expect(await replays(files.whole)).toMatchObject({ code: 0, stderr: '', opened: did })

    // IPv6 behind a tag leaves no room for the flags of TCP: two knocks in each of two frames.
    const notTold = did.filter((line, index) => index < 4 || !line.includes(`${CLIENT_6}: tcp`))
    const cut = await replays(files.cut)
    expect(cut).toMatchObject({ code: 1, opened: notTold })
    expect(cut.stderr).toMatch(tooShort(files.cut, '4'))
    // A cooked capture has a longer header: no TCP over IPv6 at all. It has no place for a second tag either.
    const any = await replays(files.any)
    const single = did.slice(0, 8).filter((line) => !line.includes(`${CLIENT_6}: tcp`))
    expect(any).toMatchObject({ code: 1, opened: single })
    expect(any.stderr).toMatch(tooShort(files.any, '4'))
    const none = await replays(files.none)
    expect(none).toMatchObject({ code: 1, opened: [] })
    expect(none.stderr).toMatch(tooShort(files.none, '\\d+'))
    expect(none.stdout).not.toMatch(/nobody knocked/)
    const { stdout } = await replay('-c', config, '--json', files.cut)
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ event: 'summary', cut: 4 })
  })

  test('takes single packets of the real clients as the daemon did, judged by the clock of the capture', async () => {
    const { server, client } = await pair()
    const [serverSecret, userSecret] = [11, 12].map((byte) => new Uint8Array(32).fill(byte))
    const keys = { cipherKey: new Uint8Array(16).fill(1), macKey: new Uint8Array(16).fill(2) }
    client.etc('hosts', `${SERVER_4} gate.test\n`)
    const profiles = scratch('profiles')
    writeProfile(join(profiles, 'carol'), keys)
    const home = scratch('home')
    writeProfile(join(home, '.knockknock', SERVER_4), keys)
    mkdirSync(join(home, '.config/postern'), { recursive: true })
    const [own, mine] = [keyPairOf(serverSecret!), keyPairOf(userSecret!)]
    const key = secretFile('user.key', formatKey('postern-user-secret', userSecret!))
    writeFileSync(
      join(home, '.config/postern/config'),
      `[gate.test]\nServer_Key = ${formatKey('postern-server', own.publicKey)}\nKey_File = ${key}\nDoor = ours\n`,
    )
    const text = `[options]
SPA_Key_File = ${secretFile('server.key', formatKey('postern-server-secret', serverSecret!))}
[fw]
SPA = fwknop
Access_File = ${secretFile('access.conf', `${STANZA}OPEN_PORTS tcp/22\n`)}
Open_Ports = tcp/22, tcp/80
[ours]
SPA = postern
SPA_Users = ${secretFile('users', `${formatKey('postern-user', mine.publicKey)} bob\n`)}
Open_Ports = tcp/22
[syn]
SPA = knockknock
Profiles = ${profiles}
Open_Ports = tcp/22
[ssh]
Sequence = 7301,5401:udp,8822
Open_Ports = tcp/443
`
    const daemon = await startKnockd({ host: server, config: text, args: ['-D', '-i', 'eth0'] })
    const [file, cut] = [scratch('single.pcap'), scratch('cut.pcap')]
    const dumps = [await dump(server, 'eth0', file), await dump(server, 'eth0', cut, 68)]
    const env = { HOME: home }
    // The daemon limits the time for packets, which a replay does not: on a busy machine one takes that of a second.
    const opened = async (): Promise<void> => {
      await daemon.process.line(/OPEN SESAME/)
      await setTimeout(1_000)
    }
    const askedBy = async (...words: readonly string[]): Promise<void> => {
      const { code, stderr } = await knock(client, words, { env })
      expect([code, stderr]).toEqual([0, ''])
      await opened()
    }
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'alice'])
    await opened()
    await fwknop(client, ['-A', 'tcp/80'])
    await daemon.process.line(/tcp\/80 is not in OPEN_PORTS/)
    await setTimeout(1_000)
    await fwknop(client, ['-A', 'tcp/22', '--time-offset-minus', '10M'])
    await daemon.process.line(/ s old/)
    await setTimeout(1_000)
    await askedBy('--spa', 'gate.test')
    await askedBy('--spa', 'knockknock', SERVER_4, '22')
    const { identification, sequence, acknowledgment, window } = encodeSyn(22, keys, 3)
    const fields = ['-N', identification, '-w', window, '-M', sequence, '-L', acknowledgment].map(String)
    await client.run(['hping3', '-S', '-c', '1', '-p', '666', ...fields, SERVER_4], { mayFail: true })
    await opened()
    await playing(client, file, 1)()
    await sendKnocks(client, SERVER_4, ['7301', '5401:udp', '8822'])
    await opened()
    await Promise.all(dumps.map(async (each) => each.stop()))
    const did = about(daemon.process.lines.map((line) => line.replace(/^\[.*?\] /, '')))
    expect(did.filter((line) => line.includes('OPEN SESAME'))).toHaveLength(5)
    // From its own address and another one: four packets, of which the daemon answered one with a refusal.
    expect(did.filter((line) => /a copy of an earlier/.test(line)).length).toBeGreaterThanOrEqual(6)

    const config = writeConfig(text)
    const replayOf = async (of: string, ...more: readonly string[]): Promise<Output> =>
      await replay('-c', config, '--own', SERVER_4, '--own', SERVER_6, ...more, of)
    const { code, stdout, stderr } = await replayOf(file, '--all')
    expect([code, stderr]).toEqual([0, ''])
    const [said = ''] = stdout.split('\n\n')
    const lines = said.split('\n').map((line) => line.replace(/^.*? (?=\S+: |packet of )/, ''))
    expect(withoutCopies(about(lines))).toEqual(withoutCopies(did))
    expect(lines.some((line) => line.endsWith(COPY))).toBe(true)
    expect(stdout).toMatch(new RegExp(`^${CLIENT_4}: .*fw opened.*ours opened.*syn opened 2 times`, 'm'))

    // The same packets an hour later: only those without a date open.
    const late = await replayOf(anHourLater(file))
    expect(late.stdout.match(/\w+: OPEN SESAME/g)).toEqual(['syn: OPEN SESAME', 'syn: OPEN SESAME', 'ssh: OPEN SESAME'])
    expect(late.stdout).toMatch(/the packet is 36\d\d s old/)

    // A datagram that was cut may have been one.
    const short = await replayOf(cut)
    expect([short.code, short.stdout.match(/\w+: OPEN SESAME/g)]).toEqual([1, late.stdout.match(/\w+: OPEN SESAME/g)])
    expect(short.stderr).toMatch(tooShort(cut, '\\d+'))
  })

  test('does not say that nobody knocked where not all was read', async () => {
    const config = writeConfig('[ssh]\nSequence = 7301,7302\nCommand = true\n')
    const text = scratch('text')
    writeFileSync(text, 'no capture')
    const strange = scratch('strange.pcap')
    writeFileSync(strange, pcapFile([{ time: 0n, bytes: [1, 2, 3] }], 'little', 'us', 147))
    const empty = scratch('empty.pcap')
    writeFileSync(empty, pcapFile([], 'little', 'us', 1))
    for (const file of [text, strange]) {
      const { code, stdout, stderr } = await replay('-c', config, file)
      expect([code, stdout.includes('nobody knocked'), stderr.startsWith('postern: ')]).toEqual([1, false, true])
    }
    expect((await replay('-c', config, empty)).stdout).toContain('nobody knocked')
  })

  test('needs no privilege, takes standard input, and ends quietly where nobody reads', async () => {
    const { server, client } = await pair()
    const file = scratch('knock.pcap')
    const tcpdump = await dump(server, 'eth0', file)
    const config = scratch('plain.conf')
    writeFileSync(config, '[ssh]\nSequence = 7301,7302\nOpen_Ports = tcp/22\n')
    await sendKnocks(client, SERVER_4, ['7301', '7302'])
    // What tcpdump has not read when it is ended is lost.
    await until('it is recorded', async () => (await replay('-c', config, file)).stdout.includes('OPEN SESAME'))
    await tcpdump.stop()
    const shell = `cat ${file} | ${POWERLESS} ${process.execPath} ${program('postern')} replay -c ${config} -`
    const powerless = await run(['sh', '-c', shell])
    expect(powerless.stdout).toContain('OPEN SESAME')
    const piped = await run(['bash', '-c', `set -o pipefail; ${shell} | head -c 1`], { mayFail: true })
    expect(piped.stderr).toBe('')
  })
})
