// Goal: with a disk that is really full nothing is said to open that stays shut, and what opens is said to.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { TCP } from '../../src/packet/packet.ts'
import type { Segment } from '../packets/build.ts'
import { framesTo } from './flood.ts'
import { sendRaw } from './frames.ts'
import { program, startKnockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { run, until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

const SEQUENCE = [7_001, 7_003]
const KNOCKERS = 60
/** Milliseconds between two of their packets. */
const EVERY_MS = 5
/** Bytes of the disk: a journal, and little more. */
const DISK_BYTES = 262_144

let running: Process | undefined
let mounted: string | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
  if (mounted !== undefined) await run(['umount', mounted])
  mounted = undefined
})

lab('a full disk', () => {
  test('is no place to say OPEN SESAME from, until there is room again', async () => {
    const { server, client } = await pair()
    const disk = scratch('disk')
    mkdirSync(disk)
    await run(['mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=0700`, 'tmpfs', disk])
    mounted = disk
    const notes = scratch('notes')
    writeFileSync(notes, '')
    const config = [
      '[options]',
      `StateDir = ${join(disk, 'state')}`,
      '[door]',
      `Sequence = ${SEQUENCE.join()}`,
      `Start_Command = echo %IP% >> ${notes}`,
      'Stop_Command = true',
      'Cmd_Timeout = 600',
      '',
    ].join('\n')
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    const opened = (): readonly string[] => readFileSync(notes, 'utf8').split('\n').filter(Boolean).toSorted()
    const said = (): readonly string[] =>
      daemon.process.lines.flatMap((line) => /^(\S+): door: OPEN SESAME$/.exec(line)?.[1] ?? []).toSorted()
    const knocks = async (first: number, count: number): Promise<void> => {
      const packets = Array.from({ length: count * SEQUENCE.length }, (_, index): Segment => ({
        from: `192.0.2.${first + Math.floor(index / SEQUENCE.length)}`,
        to: SERVER_4,
        protocol: TCP,
        port: SEQUENCE[index % SEQUENCE.length]!,
        sequence: 1_000 * first + index,
      }))
      await sendRaw(client, await framesTo(server, packets), EVERY_MS)
    }
    await knocks(100, 1)
    await until('the first door', () => opened().length === 1)
    const ballast = join(disk, 'ballast')
    await run(['dd', 'if=/dev/zero', `of=${ballast}`, 'bs=4096'], { mayFail: true })
    await knocks(101, KNOCKERS)
    const shut = (): number => daemon.process.count(/door: stays shut: .*ENOSPC/)
    await until('all to be answered', () => shut() + opened().length === 1 + KNOCKERS)
    expect(shut()).toBeGreaterThan(0)
    expect(said()).toEqual(opened())
    const typed = [process.execPath, program('postern'), 'open', 'door', '--source', '192.0.2.9', '-c', daemon.file]
    const byHand = await server.run(typed, { mayFail: true })
    expect([byHand.code, byHand.stdout, byHand.stderr]).toEqual([
      1,
      '',
      'postern: door stays shut\n  the log says why\n',
    ])
    rmSync(ballast)
    const before = opened().length
    await knocks(200, 1)
    await until('the door again, and its line', () => opened().length > before && said().length > before)
    expect(said()).toEqual(opened())
    expect(opened().at(-1)).toBe('192.0.2.200')
  }, 60_000)
})
