// Goal: the daemon's command line is knockd's: its exit codes, its background mode, its pid file, its log.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { PROJECT, program, startKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import { run, runs, until } from './process.ts'
import type { Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

const DOOR = '[ssh]\nSequence = 7301,8822\nSeq_Timeout = 1\nStart_Command = echo open; exit 3\n'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

lab('exit codes', () => {
  test.each([
    [['--help'], 0, /usage: knockd/, /^$/],
    [['-V'], 0, /^knockd /, /^$/],
    [['-Z'], 2, /^$/, /knockd: .*-Z/],
    [['-c', '/nonexistent/knockd.conf'], 78, /^$/, /no such file/],
  ])('%j gives %i', async (args, code, stdout, stderr) => {
    const { server } = await pair()
    const output = await server.run([process.execPath, program('knockd'), ...args], { mayFail: true })
    expect(output.code).toBe(code)
    expect(output.stdout).toMatch(stdout)
    expect(output.stderr).toMatch(stderr)
  })

  test('a config with a fault gives 78, and the place of every fault', async () => {
    const { server } = await pair()
    const file = writeConfig('[ssh]\nSequence = 7301,88x2\nSeq_Timeout = ten\nStart_Command = true\n')
    const output = await server.run([process.execPath, program('knockd'), '-c', file], { mayFail: true })
    expect(output.code).toBe(78)
    expect(output.stderr).toMatch(/:2:17: error: [^]*:3:15: error: /)
    expect(output.stderr).not.toContain('88x2')
  })

  test('a second daemon on the same state gives 1', async () => {
    const { server } = await pair()
    const first = await startKnockd({ host: server, config: DOOR })
    running = first.process
    const second = await server.run([process.execPath, program('knockd'), '-c', first.file, '-i', 'eth0'], {
      mayFail: true,
    })
    expect(second.code).toBe(1)
    expect(second.stderr.slice(second.stderr.indexOf('knockd: '))).toBe(
      `knockd: knockd is already running with this config (process ${running.pid})\n  postern status -c ${first.file} -i eth0\n`,
    )
  })
})

lab('a Node.js that is too old', () => {
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
      name === 'node' ? [] : ["import { onThisNode } from './node.js';"],
    )
    expect(text).not.toMatch(/^(?:const .* = )?await|\?\?|\?\./m)
  })
})

lab('in the background', () => {
  test('the paths of the config go before those of the command line, as in knockd, and it is called knockd', async () => {
    const { server } = await pair()
    const [pidFile, logFile, unused] = [scratch('pid'), scratch('log'), scratch('unused')]
    const file = writeConfig(
      withStateDir(`[options]\nPidFile = ${pidFile}\nLogFile = ${logFile}\n${DOOR}`, scratch('state')),
    )
    const words = ['-d', '-i', 'eth0', '-c', file, '-p', `${unused}.pid`, '-g', `${unused}.log`, 'extra']
    const { stderr } = await server.run([process.execPath, program('knockd'), ...words])
    const pid = Number(readFileSync(pidFile, 'utf8'))
    try {
      expect(stderr).toContain('knockd: ignored: `extra`\n')
      expect(readFileSync(logFile, 'utf8')).toContain('starting up')
      expect([existsSync(`${unused}.pid`), existsSync(`${unused}.log`)]).toEqual([false, false])
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('knockd\n')
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toMatch(/^knockd -d -i eth0 -c /)
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    await until('the end', () => !runs(pid))
  })

  test('the command returns once the daemon listens, and the pid file goes with it', async () => {
    const { server, client } = await pair()
    const pidFile = scratch('pid')
    const logFile = scratch('log')
    const file = writeConfig(withStateDir(DOOR, scratch('state')))
    await server.run([
      process.execPath,
      program('knockd'),
      '-d',
      '-i',
      'eth0',
      '-c',
      file,
      '-p',
      pidFile,
      '-g',
      logFile,
    ])
    const pid = Number(readFileSync(pidFile, 'utf8'))
    expect(readFileSync(logFile, 'utf8')).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d\] starting up, listening on eth0\n$/)
    try {
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

  test('the command fails with the reason if the daemon cannot run', async () => {
    const { server } = await pair()
    const bad = writeConfig('[ssh]\nStart_Command = true\n')
    const output = await server.run([process.execPath, program('knockd'), '-d', '-c', bad], { mayFail: true })
    expect(output.code).toBe(78)
    expect(output.stderr).toMatch(/error: /)
  })
})

lab('the log', () => {
  test('says a sequence timeout when it happens, without a further packet', async () => {
    const { server, client } = await pair()
    const { process } = await startKnockd({ host: server, config: DOOR })
    running = process
    await sendKnocks(client, SERVER_4, ['7301'])
    expect(await process.line(/timeout/)).toBe(`${CLIENT_4}: ssh: sequence timeout (stage 1)`)
  })

  test('as JSON says why a knock came to nothing, with seconds and zone', async () => {
    const { server, client } = await pair()
    const logFile = scratch('log')
    const config = `[options]\nLogFormat = json\nLogFile = ${logFile}\n${DOOR}[two]\nSequence = 7301,9911,8822\nStart_Command = true\n`
    const { process } = await startKnockd({ host: server, config })
    running = process
    await sendKnocks(client, SERVER_4, ['7301', '8822'])
    await until('the explanation', () => readFileSync(logFile, 'utf8').includes('wrong knock'))
    const lines = readFileSync(logFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const wrong = lines.find(({ reason }) => reason === 'wrong knock')
    expect(wrong).toMatchObject({ source: CLIENT_4, door: 'two', stage: 1, knock: '8822:tcp' })
    expect(wrong?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}([+-]\d\d:\d\d|Z)$/)
  })

  test('has host names with -l', async () => {
    const { server, client } = await pair()
    server.etc('hosts', `${CLIENT_4} visitor.example\n`)
    const { process } = await startKnockd({ host: server, config: DOOR, args: ['-i', 'eth0', '-l'] })
    running = process
    await sendKnocks(client, SERVER_4, ['7301', '8822'])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_4} (visitor.example): ssh: OPEN SESAME`)
  })

  test('is reopened at SIGHUP', async () => {
    const { server, client } = await pair()
    const logFile = scratch('log')
    const { process } = await startKnockd({ host: server, config: DOOR, args: ['-i', 'eth0', '-g', logFile] })
    running = process
    await until('the first line', () => readFileSync(logFile, 'utf8').includes('starting up'))
    const moved = `${logFile}.1`
    await server.run(['mv', logFile, moved])
    process.kill('SIGHUP')
    await until('the new file', () => existsSync(logFile))
    await sendKnocks(client, SERVER_4, ['7301', '8822'])
    await until('a line in it', () => readFileSync(logFile, 'utf8').includes('OPEN SESAME'))
    expect(readFileSync(moved, 'utf8')).not.toContain('OPEN SESAME')
  })

  test('runs the hooks of start and stop', async () => {
    const { server } = await pair()
    const file = scratch('hooks')
    writeFileSync(file, '')
    const hooks = `Start_Hook = echo up $POSTERN_ACTION >> ${file}\nStop_Hook = echo down >> ${file}\n`
    const { process } = await startKnockd({ host: server, config: `[options]\n${hooks}${DOOR}` })
    await until('the start hook', () => readFileSync(file, 'utf8') === 'up hook\n')
    await process.stop()
    expect(readFileSync(file, 'utf8')).toBe('up hook\ndown\n')
  })
})
