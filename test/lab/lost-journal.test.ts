// Goal: when the journal was damaged or deleted, no single packet that was used before opens anything, by whatever kind of
// key; new ones do where a time bounds them, and where none does the door stays shut until an operator has seen to it.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { SLOW, sample } from '../slow.ts'
import { framesTo } from './flood.ts'
import { sendRaw } from './frames.ts'
import { postern } from './guarded.ts'
import { program, startAgain, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { SERVER_SECRET, fwknop, knockknock, ours, rested } from './single-packets.ts'
import type { Kind } from './single-packets.ts'

const OWNER = '192.0.2.50'
/** How often each used packet is played back. */
const LOOPS = 5
/** Milliseconds between two of them. */
const EVERY_MS = 10
const DOORS: readonly (readonly [name: string, kind: Kind, bounded: boolean])[] = [
  ['ours', ours, true],
  ['fwknop', fwknop, true],
  ['knockknock', knockknock, false],
  ['ageless', ours, false],
]
/** What the door `ageless` has: no time bounds its packets. */
const AGELESS = 'SPA_Max_Age = 0'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const journalOf = (stateDir: string): string => {
  const name = readdirSync(stateDir).find((each) => each.endsWith('.journal'))
  return join(stateDir, name!)
}

/** What can happen to a journal. */
const DAMAGES: readonly (readonly [string, (journal: string) => void])[] = [
  ['its last byte but one changed', (journal) => change(journal, (bytes) => (bytes[bytes.length - 2]! ^= 1))],
  ['a byte in its midst changed', (journal) => change(journal, (bytes) => (bytes[bytes.length >> 1]! ^= 1))],
  ['its last line gone', (journal) => writeFileSync(journal, readFileSync(journal, 'latin1').replace(/[^\n]*\n$/, ''))],
  ['nothing in it', (journal) => writeFileSync(journal, '')],
  ['deleted', (journal) => rmSync(journal)],
  ['deleted with its mark', (journal) => [journal, `${journal}.mark`].forEach((each) => rmSync(each))],
]

function change(file: string, how: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file)
  how(bytes)
  writeFileSync(file, bytes)
}

/** All that was written is known to be. */
const settled = async (journal: string): Promise<void> => {
  await until('the journal to be at rest', () => {
    const lines = readFileSync(journal, 'latin1').split('\n').length - 1
    return readFileSync(`${journal}.mark`, 'latin1').includes(`"lines":${lines}}`)
  })
}

const restart = async (server: Host, daemon: Knockd): Promise<Process> => {
  running!.kill('SIGKILL')
  await running!.ended
  running = await startAgain(server, daemon)
  return running
}

/** An honest packet of the owner. */
const frameOf = async (server: Host, kind: Kind, number: number, door: string): Promise<Uint8Array> =>
  (await framesTo(server, [kind.honest(number, OWNER, door)]))[0]!

const sendOne = async (client: Host, frame: Uint8Array): Promise<void> => {
  await rested()
  await sendRaw(client, [frame])
}

/** Plays used packets back. */
const playBack = async (client: Host, ...frames: readonly Uint8Array[]): Promise<void> => {
  for (const frame of frames) {
    await rested()
    await sendRaw(client, Array<Uint8Array>(LOOPS).fill(frame), EVERY_MS)
  }
}

const makeConfig = (): string => {
  const key = scratch('server.key')
  writeFileSync(key, `${formatKey('postern-server-secret', SERVER_SECRET)}\n`, { mode: 0o600 })
  const doors = DOORS.map(
    ([name, kind]) =>
      `[${name}]\n${kind.config()}\n${name === 'ageless' ? AGELESS : ''}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`,
  )
  return `[options]\nSPA_Key_File = ${key}\n${doors.join('')}`
}

// Without SLOW one that is damaged, and one that is gone.
lab.each(sample(DAMAGES, (_, index) => index === 1 || index === DAMAGES.length - 1))(
  'a journal with %s',
  (damaged, damage) => {
    /** What was used after a loss is known in the same way after each. */
    const restarts = SLOW || damaged.startsWith('a byte')
    test('opens to nothing that was used before', async () => {
      const { server, client } = await pair()
      const daemon = await startKnockd({ host: server, config: makeConfig() })
      running = daemon.process
      // A first start: who begins has something to begin with.
      const used: Uint8Array[] = []
      for (const [name, kind] of DOORS) {
        const frame = await frameOf(server, kind, 0, name)
        used.push(frame)
        await sendOne(client, frame)
        await running.line(new RegExp(`${OWNER}: ${name}: OPEN SESAME`))
      }
      await settled(journalOf(daemon.stateDir))
      running.kill('SIGKILL')
      await running.ended
      damage(journalOf(daemon.stateDir))
      running = server.start([process.execPath, program('knockd'), '-v', '-c', daemon.file, '-i', 'eth0'])
      await running.line(/journal: (damaged|is missing|the last)/)
      await running.line(/knockknock: stays shut: .*postern accept-loss knockknock/)
      await running.line(/ageless: stays shut: .*set SPA_Max_Age/)
      await running.line(/listening on/)
      await playBack(client, ...used)
      // New ones behind them, so that those were looked at; the last of them where a time bounds them.
      for (const [name, kind, bounded] of DOORS.toReversed()) {
        await sendOne(client, await frameOf(server, kind, 1, name))
        if (bounded) await running.line(new RegExp(`${name}: OPEN SESAME`))
      }
      expect(running.count(/ageless: the record of used packets was lost/)).toBeGreaterThanOrEqual(1)
      expect(running.count(/OPEN SESAME/)).toBe(2)
      expect(running.count(/knockknock: SYN of user099: the record of used packets was lost/)).toBe(1)
      const status = await postern(server, daemon, 'status')
      expect(status.stdout).toMatch(
        /knockknock: stays shut: .*\n +make new profiles for all its users .*accept-loss knockknock/,
      )
      expect((await postern(server, daemon, 'accept-loss', 'ours')).stderr).toMatch(/ours is not shut/)
      expect(await postern(server, daemon, 'accept-loss', 'knockknock')).toMatchObject({ code: 0, stderr: '' })
      const frame = await frameOf(server, knockknock, 2, 'knockknock')
      await sendOne(client, frame)
      await running.line(/knockknock: OPEN SESAME/)
      // A door whose packets a time bounds from now on is open to new ones.
      writeFileSync(daemon.file, readFileSync(daemon.file, 'utf8').replace(AGELESS, 'SPA_Max_Age = 2m'))
      running.kill('SIGHUP')
      await until(
        'the other config',
        async () => !(await postern(server, daemon, 'status')).stdout.includes('ageless: stays'),
      )
      await playBack(client, used.at(-1)!)
      await sendOne(client, await frameOf(server, ours, 2, 'ageless'))
      await running.line(/ageless: OPEN SESAME/)
      expect(running.count(/ageless: OPEN SESAME/)).toBe(1)
      if (!restarts) return
      // It is known at the next start, and so is what was used after the loss.
      await restart(server, daemon)
      await playBack(client, frame)
      await sendOne(client, await frameOf(server, knockknock, 3, 'knockknock'))
      await running.line(/knockknock: OPEN SESAME/)
      expect(running.count(/OPEN SESAME/)).toBe(1)
      expect(running.count(/stays shut|damaged/)).toBe(0)
    }, 120_000)
  },
)
