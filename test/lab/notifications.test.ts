// Goal: On_Event tells a real command of what happens at a real door, as its schema has it; commands that hang hold up no door
// and are ended; a daemon with a User runs them as that user; and a rehearsal tells nobody.
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultsOf } from '../schema/schema.ts'
import { SLOW, slowly } from '../slow.ts'
import { postern } from './guarded.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { program } from './knockd.ts'
import { OneDaemon } from './one-daemon.ts'
import { openFolder, places, words } from './privileged.ts'
import { until } from './process.ts'
import { LIMIT_MS, makeMachine, rehearse } from './rehearsed.ts'
import { scratch, writeConfig } from './scratch.ts'
import { probe, sendKnocks } from './service.ts'

const KNOCKS = ['7301', '822', '9403']
const USERS = 'alice 7301,822,9403\n'
/** Addresses of the client that knock, and knocks of each. */
const SOURCES = SLOW ? 25 : 12
const ROUNDS = SLOW ? 4 : 2
/** The most milliseconds from a knock to its opening, on any machine. */
const OPEN_MAX_MS = 10_000
/** Writes what it is told to a file of its own. */
const RECORDER = `#!/bin/sh
{ env | grep ^POSTERN_; echo; cat; } >"$1/$POSTERN_EVENT-$$.new" && mv "$1/$POSTERN_EVENT-$$.new" "$1/$POSTERN_EVENT-$$"
`

const one = new OneDaemon()

interface Told {
  readonly variables: Readonly<Record<string, string>>
  readonly json: Readonly<Record<string, unknown>>
}

function told(folder: string): readonly Told[] {
  const files = readdirSync(folder).filter((name) => !name.endsWith('.new'))
  return files.map((name) => {
    const [variables = '', json = ''] = readFileSync(join(folder, name), 'utf8').split('\n\n')
    const pairs = variables
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
    return { variables: Object.fromEntries(pairs), json: JSON.parse(json) }
  })
}

function recorder(): { readonly folder: string; readonly command: string } {
  const folder = openFolder('told')
  const script = join(openFolder('bin'), 'tell')
  writeFileSync(script, RECORDER)
  chmodSync(script, 0o755)
  chmodSync(folder, 0o777)
  return { folder, command: `${script} ${folder}` }
}

/** The processes that sleep for a time that no other does. */
function sleepers(seconds: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8') === `sleep\0${seconds}\0`
    } catch {
      return false
    }
  }).length
}

async function knockFrom(client: Host, source: string): Promise<void> {
  for (const port of KNOCKS) await probe(client, SERVER_4, Number(port), 5_000, source)
}

lab('commands that are told of events', () => {
  test('get it in the environment and as JSON, at a door by commands as at one by ports', async () => {
    const { server, client } = await pair()
    const { folder, command } = recorder()
    const users = writeConfig(USERS, 'users')
    const config = `[options]
On_Event = opened,closed: ${command}
On_Event = scan: ${command}
[ports]
Users = ${users}
Open_Ports = tcp/22
Open_For = 1s
[$(touch /tmp/forged) "'; x]
Sequence = 7301,822,9404
Start_Command = true
Cmd_Timeout = 1
Stop_Command = true
`
    await one.start(server, config)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await sendKnocks(client, SERVER_4, ['7301', '822', '9404'])
    await sendKnocks(client, SERVER_4, ['1', '2', '3', '4', '5', '6', '7', '8'])
    await until('all', () => told(folder).length === 5, 30_000)
    const all = told(folder)
    expect(all.flatMap(({ json }) => faultsOf(json, 'log'))).toEqual([])
    const of = (event: string): Told => all.find(({ variables }) => variables['POSTERN_EVENT'] === event)!
    expect(of('opened').variables).toMatchObject({
      POSTERN_ACTION: 'event',
      POSTERN_DOOR: 'ports',
      POSTERN_SOURCE: CLIENT_4,
      POSTERN_USER: 'alice',
      POSTERN_MESSAGE: `${CLIENT_4}: ports: tcp/22 open for 1 s`,
      POSTERN_DROPPED: '0',
    })
    expect(of('opened').json).toMatchObject({ kind: 'opened', door: 'ports', user: 'alice', source: CLIENT_4 })
    expect(of('open').variables).toMatchObject({ POSTERN_DOOR: `$(touch /tmp/forged) "'; x`, POSTERN_USER: '' })
    expect(all.map(({ variables }) => variables['POSTERN_EVENT']!).toSorted()).toEqual([
      'closed',
      'command-timeout',
      'open',
      'opened',
      'scan',
    ])
    expect(existsSync('/tmp/forged')).toBe(false)
  })

  test(
    'hold up no door while they hang, and end with the daemon',
    async () => {
      const { server, client } = await pair()
      const sources = Array.from({ length: SOURCES }, (_, index) => `192.0.2.${100 + index}`)
      await client.run(['sh', '-ec', sources.map((source) => `ip addr add ${source}/24 dev eth0`).join('\n')])
      const log = scratch('log')
      const options = `LogFile = ${log}\nLogFormat = json\nOn_Event = open,opened: sleep 61.0731`
      const config = `[options]\n${options}\n[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n`
      const daemon = await one.start(server, config)
      for (let round = 0; round < ROUNDS; round++) for (const source of sources) await knockFrom(client, source)
      const opens = (): readonly { readonly tookMs: number }[] =>
        readFileSync(log, 'utf8')
          .split('\n')
          .flatMap((line) => (line.includes('"event":"open"') ? [JSON.parse(line) as { tookMs: number }] : []))
      await until('every knock opened', () => opens().length === ROUNDS * SOURCES, 30_000)
      await until('as many hang as may run', () => sleepers('61.0731') === 4)
      const before = performance.now()
      await daemon.process.stop()
      expect(performance.now() - before).toBeLessThan(15_000)
      expect(daemon.process.count(/cannot|error/i)).toBe(0)
      await until('nothing is left of them', () => sleepers('61.0731') === 0)
      // On a busy machine a door takes up to a second, with commands or without. One that waited for a command would take 30.
      expect(opens().filter(({ tookMs }) => tookMs > OPEN_MAX_MS)).toEqual([])
    },
    LIMIT_MS,
  )

  slowly(
    'are ended when their time is over, with what they started',
    async () => {
      const { server, client } = await pair()
      const config = `[options]\nOn_Event = opened: sleep 67.0731 & sleep 67.0732; true\n[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n`
      const { process } = await one.start(server, config)
      await sendKnocks(client, SERVER_4, KNOCKS)
      await until('both run', () => sleepers('67.0731') + sleepers('67.0732') === 2, 10_000)
      await process.line(/On_Event: command for opened was ended: it took longer than 30 s/, 60_000)
      expect(sleepers('67.0731') + sleepers('67.0732')).toBe(0)
      // What it says of them is told to nobody, and the door goes on.
      await sendKnocks(client, SERVER_4, KNOCKS)
      await process.line(/tcp\/22 open for/)
    },
    LIMIT_MS,
  )

  test('run as the User, and a root that may not kill has that user end them', async () => {
    const { server, client } = await pair()
    const { folder, command } = recorder()
    const at = places(
      `On_Event = open: id -u >${folder}/../who; ${command}\nOn_Event = opened: sleep 71.0731`,
      `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n[roots]\nSequence = 1301,822,9403\nStart_Command = true\nCommands_As_Root = yes\n`,
    )
    const who = join(folder, '../who')
    writeFileSync(who, '')
    chmodSync(who, 0o666)
    const process = server.start(['setpriv', '--bounding-set=-kill', '--inh-caps=-kill', ...words(at.file)])
    one.running = process
    await process.line(/listening on/)
    expect(process.count(/stays root, not daemon/)).toBe(1)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await until('it is told', () => told(folder).length === 1 && sleepers('71.0731') === 1, 10_000)
    expect(readFileSync(who, 'utf8')).toBe('1\n')
    await process.stop()
    await until('it has ended', () => sleepers('71.0731') === 0)
  })

  test('a program that is missing is named by check, with its place', async () => {
    const { server } = await pair()
    const daemon = await one.start(
      server,
      `[options]\nOn_Event = open: /etc/postern/notify/absent root\nOn_Event = open, scan: true | nonesuch-program\n[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n`,
    )
    const { stdout } = await server.run([globalThis.process.execPath, program('postern'), 'check', daemon.file], {
      mayFail: true,
    })
    expect(stdout).toMatch(/:\d+:18: warning: there is no program `\/etc\/postern\/notify\/absent` on this machine/)
    expect(stdout).toMatch(/:\d+:31: warning: there is no program `nonesuch-program` on this machine/)
    expect((await postern(server, daemon, 'status')).code).toBe(0)
  })

  test(
    'a rehearsal tells nobody',
    async () => {
      const machine = await makeMachine()
      const note = scratch('note')
      const config = `[options]\nOn_Event = opened,open,notice,starting,closed: touch ${note}\n[ssh]\nSequence = ${KNOCKS.join()}\nSeq_Timeout = 1\nOpen_Ports = tcp/22\nOpen_For = 1s\n`
      const { code, stdout } = await rehearse(machine, config)
      expect([code, stdout]).toEqual([0, expect.stringMatching(/ssh/)])
      expect(existsSync(note)).toBe(false)
    },
    LIMIT_MS,
  )
})
