// Goal: whoever may not do something reads what failed, why, and what to type, without the system's abbreviations.
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { asked } from './guarded.ts'
import { program } from './knockd.ts'
import { lab, pair } from './net.ts'
import { runs, until } from './process.ts'
import { scratch } from './scratch.ts'

const NOBODY = 65_534
const DOOR = '[ssh]\nSequence = 7301,8822\nStart_Command = true\n'

/** A folder that anybody can enter, with a config that anybody can read and a state folder that nobody can write. */
function prepared(): { readonly folder: string; readonly config: string; readonly state: string } {
  const folder = scratch('open')
  mkdirSync(folder, { mode: 0o755 })
  chmodSync(dirname(folder), 0o755)
  const [config, state] = [join(folder, 'knockd.conf'), join(folder, 'state')]
  writeFileSync(config, `[options]\nStateDir = ${state}\n${DOOR}`, { mode: 0o644 })
  mkdirSync(state, { mode: 0o700 })
  chownSync(state, NOBODY, NOBODY)
  return { folder, config, state }
}

let network: ReturnType<typeof pair> | undefined

/** Runs a program as nobody, and gives its exit code and what it prints on standard error. */
async function asNobody(name: 'knockd' | 'postern', ...args: readonly string[]): Promise<readonly [number, string]> {
  const { server } = await (network ??= pair())
  const who = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  const { code, stderr } = await server.run([...who, process.execPath, program(name), ...args], { mayFail: true })
  return [code ?? -1, failureIn(stderr)]
}

/** What is said behind the warnings about the config. */
function failureIn(stderr: string): string {
  return stderr.slice(Math.max(0, stderr.search(/^(knockd|postern): /m)))
}

lab('knockd without the right to', { concurrent: true }, () => {
  test('read the config', async () => {
    const { config } = prepared()
    chmodSync(config, 0o600)
    expect(await asNobody('knockd', '-c', config)).toEqual([78, `knockd: ${config}: permission denied\n`])
  })

  test('capture packets', async () => {
    const { config } = prepared()
    const hint = '  run knockd as root, or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN\n'
    const said = `knockd: eth0: cannot capture: permission denied\n${hint}`
    expect(await asNobody('knockd', '-c', config, '-i', 'eth0')).toEqual([1, said])
    expect(await asNobody('knockd', '-d', '-c', config, '-i', 'eth0')).toEqual([1, said])
  })

  test('write the log file', async () => {
    const { folder, config } = prepared()
    const path = join(folder, 'knockd.log')
    expect(await asNobody('knockd', '-c', config, '-i', 'eth0', '-g', path)).toEqual([
      1,
      `knockd: cannot open the log file ${path}: permission denied\n  run knockd as root, or name another file: -g FILE\n`,
    ])
  })

  test('keep its state', async () => {
    const { config, state } = prepared()
    const hint = '  run knockd as root, or name a folder that it may write: StateDir\n'
    chownSync(state, 0, 0)
    const [code, said] = await asNobody('knockd', '-c', config, '-i', 'eth0')
    expect([code, said]).toEqual([1, expect.stringMatching(/^knockd: cannot read the state .*: permission denied\n/)])
    rmSync(state, { recursive: true })
    expect(await asNobody('knockd', '-c', config, '-i', 'eth0')).toEqual([
      1,
      `knockd: cannot create the state folder ${state}: permission denied\n${hint}`,
    ])
  })
})

lab('a pid file that cannot be written', { concurrent: true }, () => {
  test('ends the daemon, which lets go of all it had', async () => {
    const { server } = await pair()
    const { folder, config, state } = prepared()
    chownSync(state, 0, 0)
    const pidFile = join(folder, 'none', 'knockd.pid')
    const log = join(folder, 'log')
    const argv = [process.execPath, program('knockd'), '-d', '-c', config, '-i', 'eth0', '-g', log, '-p', pidFile]
    const { code, stderr } = await server.run(argv, { mayFail: true })
    expect(failureIn(stderr)).toBe(
      `knockd: cannot write the pid file ${pidFile}: no such file or directory\n  mkdir -p ${dirname(pidFile)}\n`,
    )
    expect(code).toBe(1)
    expect(readFileSync(log, 'utf8')).toMatch(/shutting down\n$/)
    mkdirSync(dirname(pidFile))
    await server.run(argv)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    process.kill(pid, 'SIGTERM')
    await until('the end', () => !runs(pid))
    expect(existsSync(pidFile)).toBe(false)
  })
})

lab('postern', { concurrent: true }, () => {
  test.each([
    [['status'], /^postern: \S+: permission denied\n {2}run this as root, with sudo\n$/],
    [['sequences', 'make', '/etc/none'], /^postern: cannot create \/etc\/none: permission denied\n$/],
    [
      ['keygen', 'server', '--file', '/etc/none'],
      /^postern: cannot create \/etc\/none: permission denied\n {2}run this as root, or name another file: --file FILE\n$/,
    ],
    [['firewall', 'status'], /^postern: .*\n {2}sudo postern firewall status\n$/],
  ])('%j as nobody', async (args, said) => {
    const { folder, config } = prepared()
    chmodSync(folder, 0o700)
    const options = args[0] === 'status' ? ['-c', config] : []
    expect(await asNobody('postern', ...args, ...options)).toEqual([1, expect.stringMatching(said)])
  })

  test.each(['status', 'open ssh --source 192.0.2.7'])('%s without a config', async (words) => {
    const { code, stderr } = await asked([...words.split(' '), '-c', '/nonexistent/knockd.conf'])
    expect(stderr).toBe('postern: /nonexistent/knockd.conf: no such file\n  name the config of knockd: -c FILE\n')
    expect(code).toBe(1)
  })
})
