// Goal: an operator makes, counts, shows and replaces lists by one command; ports are covered unless asked for; nothing that is there
// is overwritten by accident; and the daemon says in time that few are left.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { parseOneTime } from '../../src/config/one-time.ts'
import { asked } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import { run, until } from './process.ts'
import type { Output, Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const sequences = async (...words: readonly string[]): Promise<Output> => await asked(['sequences', ...words])

lab('postern sequences', () => {
  test('makes a list that the daemon takes, counts and shows it, and warns when few are left', async () => {
    const { server, client } = await pair()
    const file = scratch('list')
    const words = ['--count', '4', '--length', '3', '--ports', '30000-39999', file]
    const made = await run([process.execPath, program('postern'), 'sequences', 'make', ...words])
    expect([made.code, made.stderr]).toEqual([0, ''])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const lists = parseOneTime(readFileSync(file, 'latin1')).lines.map(({ knocks }) => knocks.map(({ port }) => port))
    expect(lists).toHaveLength(4)
    expect(lists.flat().every((port) => port >= 30_000 && port <= 39_999)).toBe(true)
    const again = await sequences('make', file)
    expect([again.code, again.stderr]).toEqual([
      1,
      `postern: cannot create ${file}: file already exists\n  an existing file is left as it is: name another\n`,
    ])
    const config = `[options]\nScan_Ports = 0\n[ssh]\nOne_Time_Sequences = ${file}\nLow_Water = 2\nStart_Command = true\n`
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    const of = ['-c', daemon.file, '-i', 'eth0']
    expect(await sequences('count', ...of)).toMatchObject({ code: 0, stdout: 'ssh: 4 left, 0 used\n' })
    const covered = lists[0]!.map((port) => `${String(port).slice(0, 2)}***`).join(',')
    expect((await sequences('list', ...of, 'ssh')).stdout.split('\n')[0]).toBe(covered)
    expect((await sequences('list', '--reveal', ...of, 'ssh')).stdout.split('\n')[0]).toBe(lists[0]!.join(','))
    const [first, second] = lists as [number[], number[]]
    await sendKnocks(client, SERVER_4, first.map(String))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
    await sendKnocks(client, SERVER_4, second.map(String))
    await running.line(/ssh: only 2 sequences are left/)
    await running.line(/OPEN/)
    expect(await sequences('count', ...of)).toMatchObject({ code: 1, stdout: 'ssh: 2 left, 2 used (low)\n' })
    // Another list in its place: the old one is at an end.
    expect(await sequences('rotate', '--count', '5', ...of, 'ssh')).toMatchObject({ code: 0 })
    expect((await sequences('count', '--json', ...of, 'ssh')).stdout).toContain('"left": 5')
    const next = parseOneTime(readFileSync(file, 'latin1')).lines.find(({ marked }) => !marked)!
    // The file is read again once it has been left alone for a moment.
    await until('the new list to count', async () => {
      await sendKnocks(
        client,
        SERVER_4,
        next.knocks.map(({ port }) => String(port)),
      )
      return daemon.process.count(/OPEN/) === 3
    })
  })

  test('what it cannot do is told, with what would be right', async () => {
    const config = writeConfig('[ssh]\nSequence = 7431,8020\nStart_Command = true\n')
    expect(await sequences('count', '-c', config)).toMatchObject({ code: 0, stdout: 'no door has a list\n' })
    expect(await sequences('list', '-c', config, 'ssh')).toMatchObject({
      code: 1,
      stderr: 'postern: no door ssh has a list\n  no door has one\n',
    })
    for (const words of [[], ['eat'], ['make'], ['make', '--count', '0', 'x'], ['make', '--ports', '5', 'x']]) {
      const { code, stderr } = await sequences(...words)
      expect([words, code]).toEqual([words, 2])
      expect(stderr).toMatch(/^postern: .+\n/)
    }
    expect(existsSync('x')).toBe(false)
  })
})
