// Goal: the daemon's command line is knockd's: its exit codes, its background mode, its pid file, its log.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { PROJECT, program, startKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { run, runs, until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

const DOOR = '[ssh]\nSequence = 7301,8822\nSeq_Timeout = 1\nStart_Command = echo open; exit 3\n'

// Those with hosts of their own run at the same time.
lab('exit codes', { concurrent: true }, () => {
  let server: Host
  beforeAll(async () => {
    ;({ server } = await pair())
  })

  test.each([
    [['--help'], 0, /usage: knockd/, /^$/],
    [['-V'], 0, /^knockd /, /^$/],
    [['-Z'], 2, /^$/, /knockd: .*-Z/],
    [['-c', '/nonexistent/knockd.conf'], 78, /^$/, /no such file/],
  ])('%j gives %i', async (args, code, stdout, stderr) => {
    const output = await server.run([process.execPath, program('knockd'), ...args], { mayFail: true })
    expect(output.code).toBe(code)
    expect(output.stdout).toMatch(stdout)
    expect(output.stderr).toMatch(stderr)
  })

  test('a config with a fault gives 78, and the place of every fault, also in the background', async () => {
    const file = writeConfig('[ssh]\nSequence = 7301,88x2\nSeq_Timeout = ten\nStart_Command = true\n')
    const output = await server.run([process.execPath, program('knockd'), '-d', '-c', file], { mayFail: true })
    expect(output.code).toBe(78)
    expect(output.stderr).toMatch(/:2:17: error: [^]*:3:15: error: /)
    expect(output.stderr).not.toContain('88x2')
  })

  test('a second daemon on the same state gives 1', async () => {
    const first = await startKnockd({ host: server, config: DOOR })
    const second = await server.run([process.execPath, program('knockd'), '-c', first.file, '-i', 'eth0'], {
      mayFail: true,
    })
    expect(second.code).toBe(1)
    expect(second.stderr.slice(second.stderr.indexOf('knockd: '))).toBe(
      `knockd: knockd is already running with this config (process ${first.process.pid})\n  postern status -c ${first.file} -i eth0\n`,
    )
  })
})

lab('a Node.js that is too old', { concurrent: true }, () => {
  // script/node-versions does the same with real ones.
  const old = writeConfig("Object.defineProperty(process, 'versions', { value: { node: '18.20.8' } })\n", 'old.cjs')

  test.each(['knockd', 'knock', 'postern'] as const)('%s refuses it in one line', async (name) => {
    const argv = [process.execPath, `--require=${old}`, program(name), '--version']
    const { code, stdout, stderr } = await run(argv, { mayFail: true })
    expect(stderr).toBe(`${name}: Node.js 18.20.8 is too old: 20.19 or later is needed\n`)
    expect([code, stdout]).toEqual([1, ''])
  })

  test.each(['knockd', 'knock', 'postern', 'node'])('%s.js loads nothing, and has no syntax that it lacks', (name) => {
    const text = readFileSync(join(PROJECT, `dist/bin/${name}.js`), 'utf8')
    expect(text.match(/^import .*$/gm) ?? []).toEqual(
      name === 'node' ? [] : ['import { onThisNode } from "./node.js";'],
    )
    expect(text).not.toMatch(/^(?:const .* = )?await|\?\?|\?\./m)
  })
})

lab('in the background', { concurrent: true }, () => {
  test('the command returns once the daemon listens; paths of the config go before those of the command line, as in knockd', async () => {
    const { server, client } = await pair()
    const [pidFile, logFile, unused] = [scratch('pid'), scratch('log'), scratch('unused')]
    const file = writeConfig(
      withStateDir(`[options]\nPidFile = ${pidFile}\nLogFile = ${logFile}\n${DOOR}`, scratch('state')),
    )
    const words = ['-d', '-i', 'eth0', '-c', file, '-p', `${unused}.pid`, '-g', `${unused}.log`, 'extra']
    const { stderr } = await server.run([process.execPath, program('knockd'), ...words])
    const pid = Number(readFileSync(pidFile, 'utf8'))
    expect(readFileSync(logFile, 'utf8')).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d\] starting up, listening on eth0\n$/)
    try {
      expect(stderr).toContain('knockd: ignored: `extra`\n')
      expect([existsSync(`${unused}.pid`), existsSync(`${unused}.log`)]).toEqual([false, false])
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('knockd\n')
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toMatch(/^knockd -d -i eth0 -c /)
      await sendKnocks(client, SERVER_4, ['7301', '8822'])
      await until('the log', () => readFileSync(logFile, 'utf8').includes('non-zero status code (3)'))
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    await until('the end', () => !runs(pid))
    expect(existsSync(pidFile)).toBe(false)
    const lines = readFileSync(logFile, 'utf8')
      .split('\n')
      .map((line) => line.replace(/^\[.{16}\] /, ''))
    expect(lines).toEqual([
      'starting up, listening on eth0',
      `${CLIENT_4}: ssh: Stage 1`,
      `${CLIENT_4}: ssh: Stage 2`,
      `${CLIENT_4}: ssh: OPEN SESAME`,
      'ssh: running command: echo open; exit 3',
      'ssh: command printed: open',
      'ssh: command returned non-zero status code (3)',
      'shutting down',
      '',
    ])
  })
})

lab('the log', { concurrent: true }, () => {
  test('has host names and timeouts, is reopened at SIGHUP, as JSON says why a knock came to nothing; hooks run', async () => {
    const { server, client } = await pair()
    server.etc('hosts', `${CLIENT_4} visitor.example\n`)
    const [logFile, pidFile, hooked] = [scratch('log'), scratch('pid'), scratch('hooks')]
    writeFileSync(hooked, '')
    const hooks = `Start_Hook = echo up $POSTERN_ACTION >> ${hooked}\nStop_Hook = echo down >> ${hooked}\n`
    const args = ['-i', 'eth0', '-l', '-g', logFile, '-p', pidFile]
    const daemon = await startKnockd({ host: server, config: `[options]\n${hooks}${DOOR}`, args })
    const running = daemon.process
    await until('the start hook', () => readFileSync(hooked, 'utf8') === 'up hook\n')
    const log = (): string => readFileSync(logFile, 'utf8')
    // No packet follows: the daemon says it when it happens.
    await sendKnocks(client, SERVER_4, ['7301'])
    await until('the timeout', () => log().includes(`${CLIENT_4} (visitor.example): ssh: sequence timeout (stage 1)`))

    const moved = `${logFile}.1`
    renameSync(logFile, moved)
    const json = `[options]\nLogFormat = json\n${hooks}${DOOR}[two]\nSequence = 7301,9911,8822\nStart_Command = true\n`
    writeFileSync(daemon.file, withStateDir(json, daemon.stateDir))
    running.kill('SIGHUP')
    await until('the new file', () => existsSync(logFile))
    await until('the explanation', async () => {
      await sendKnocks(client, SERVER_4, ['7301', '8822'])
      return log().includes('wrong knock')
    })
    const lines = log()
      .trim()
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []))
    const wrong = lines.find(({ reason }) => reason === 'wrong knock')
    expect(wrong).toMatchObject({ source: CLIENT_4, door: 'two', stage: 1, knock: '8822:tcp' })
    expect(wrong?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}([+-]\d\d:\d\d|Z)$/)
    expect(readFileSync(moved, 'utf8')).not.toContain('OPEN SESAME')
    await running.stop()
    expect(readFileSync(hooked, 'utf8')).toBe('up hook\ndown\n')
  })
})
