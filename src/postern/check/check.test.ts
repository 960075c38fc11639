// Goal: `postern check` says everything about a file, changes nothing, and its exit code can be relied on.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { CHECK } from './arguments.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-check-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
function file(text: string, mode = 0o600): string {
  const path = join(folder, `${++count}.conf`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCommand(CHECK, args, { out: (text) => void (out += text), err: (text) => void (err += text) })
  return { code, out, err }
}

const DOOR = '[ssh]\n\tSequence = 4021,811,3010\n\tCommand = /bin/true %IP%\n'

test('a good config', async () => {
  const path = file(DOOR)
  expect(await run(path)).toEqual({ code: 0, out: `${path}: usable, 1 door\n`, err: '' })
  expect((await run('--strict', path)).code).toBe(0)
})

test('warnings are no failure, unless they are to be', async () => {
  const path = file(DOOR, 0o644)
  const out = `${path}:1:1: warning: everyone on this machine can read the sequences in this file (mode 0644)
    chmod 600 ${path}
${path}: usable, 1 door, 1 warning
`
  expect(await run(path)).toEqual({ code: 0, out, err: '' })
  expect(await run(path, '--strict')).toEqual({ code: 1, out, err: '' })
})

test('an error', async () => {
  const path = file(`${DOOR}\tSeq_Timout = 5\n\tSeq_Timeout = five\n`)
  const out = `${path}:4:2: error: unknown directive \`Seq_Timout\`
    did you mean \`Seq_Timeout\`?
${path}:5:16: error: \`five\` is not a time
    whole seconds, or a whole number with a unit: 500ms, 30s, 10m, 2h
${path}: cannot be used, 2 errors
`
  expect(await run(path)).toEqual({ code: 78, out, err: '' })
})

test('one JSON document', async () => {
  const path = file(`${DOOR}\tSeq_Timout = 5\n`, 0o644)
  const { code, out, err } = await run('--json', path)
  expect([code, err]).toEqual([78, ''])
  expect(JSON.parse(out)).toEqual({
    file: path,
    usable: false,
    doors: 0,
    errors: 1,
    warnings: 1,
    faults: [
      {
        severity: 'warning',
        file: path,
        line: 1,
        column: 1,
        message: 'everyone on this machine can read the sequences in this file (mode 0644)',
        hint: `chmod 600 ${path}`,
      },
      {
        severity: 'error',
        file: path,
        line: 4,
        column: 2,
        message: 'unknown directive `Seq_Timout`',
        hint: 'did you mean `Seq_Timeout`?',
      },
    ],
  })
})

test('a program that is not there, and one that cannot be run', async () => {
  const barred = file('#!/bin/sh\n')
  const text = `[a]
Sequence = 47301,58822,36103
Start_Command = /sbin/no/iptables -I INPUT -s %IP% -j ACCEPT && nosuchprogram; echo ok; [ -e /x ]
Start_Command_6 = $HOME/x; ${barred} %IP%
Stop_Command = /bin/true && for each in 1 2; do nosuchloop; done
Stop_Command_6 = true
`
  const path = file(text)
  const { out } = await run(path)
  expect(
    out
      .replace(/`\S*\/s?bin\/iptables`\n/, 'IPTABLES\n')
      .split('\n')
      .slice(0, 6),
  ).toEqual([
    `${path}:3:17: warning: there is no program \`/sbin/no/iptables\` on this machine`,
    '    write IPTABLES',
    `${path}:3:65: warning: there is no program \`nosuchprogram\` on this machine`,
    '    install it, or write its path',
    `${path}:4:28: warning: \`${barred}\` cannot be run`,
    `    chmod +x ${barred}`,
  ])
  expect(out).not.toContain('nosuchloop')
})

const command = (port: number): string =>
  `Command = /bin/true %IP% && iptables -I INPUT -s %IP% -p tcp --dport ${port} -j ACCEPT\n`

test('that a command also runs for IPv6 is said once, at the end', async () => {
  const doors = [1, 2].map((each) => `[${each}]\nSequence = ${47300 + each},58822,36103\n${command(each)}`)
  const path = file(`${doors.join('')}[z]\nSequence = 47309,36103\nCommand = /bin/true %IP%\n`)
  const { out } = await run(path)
  const lines = out.split('\n').filter((line) => line.startsWith('/') && line.includes('warning: '))
  expect(lines.map((line) => line.includes('knocks over IPv6'))).toEqual([false, true])
  const { faults } = JSON.parse((await run('--json', path)).out) as { faults: Record<string, unknown>[] }
  expect(faults.at(-1)!['message']).toContain('knocks over IPv6')
  expect(faults.at(-1)).not.toHaveProperty('last')
})

test('files that cannot be read', async () => {
  const none = join(folder, 'none')
  expect(await run(none)).toEqual({
    code: 78,
    out: `${none}:1:1: error: cannot be read: no such file or directory\n${none}: cannot be used, 1 error\n`,
    err: '',
  })
  expect((await run(folder)).out).toContain(`${folder}:1:1: error: is not a file\n`)
})

test('one-time files are reported under their own names, and nothing is changed', async () => {
  const sequences = file(' 7001,22,9\n 7001,b\n', 0o644)
  const text = `[ssh]\n\tOne_Time_Sequences = ${sequences}\n\tCommand = /bin/true %IP%\n`
  const path = file(text)
  const before = statSync(sequences)
  const { code, out } = await run(path)
  expect(code).toBe(0)
  expect(out.split('\n').filter((line) => line.startsWith('/'))).toEqual([
    `${sequences}:1:1: warning: everyone on this machine can read the sequences in this file (mode 0644)`,
    `${sequences}:2:7: warning: knock 2: is not a port number`,
    `${path}: usable, 1 door, 2 warnings`,
  ])
  expect(readFileSync(path, 'utf8')).toBe(text)
  expect(statSync(sequences).mtimeMs).toBe(before.mtimeMs)
})

test.runIf(process.platform === 'linux')('a knock port on which something listens', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  const local = createServer()
  await new Promise<void>((resolve) => local.listen(0, '127.0.0.1', resolve))
  const path = file(DOOR.replace('811', String(port)).replace('3010', String((local.address() as AddressInfo).port)))
  const { out } = await run(path)
  expect(out).toContain(`${path}:2:18: warning: knock 2: a program listens on this port`)
  expect(out).not.toContain('knock 3')
  await Promise.all([server, local].map((each) => new Promise((resolve) => each.close(resolve))))
})

test('usage', async () => {
  for (const args of [['--stric'], ['a', 'b'], ['--json=1'], ['-x']]) {
    const { code, out, err } = await run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(
      /^postern: [a-z].*\n(?: {2}did you mean: --strict\n)?usage: postern check \[--strict\] \[--json\] \[FILE\]\n$/,
    )
  }
  expect((await run('--help')).out).toContain('exit status: 0 usable')
})
