// Goal: what an access.conf has run keeps to its door, runs as whom it says or is refused from the start on, and is told
// what is proven of a packet apart from what is claimed.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { HMAC, KEY, STANZA, fwknop, lines, openings, secretFile, startFwknop } from './fwknop.ts'
import { postern } from './guarded.ts'
import { program, startAgain, withStateDir } from './knockd.ts'
import { CLIENT_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

/** What examples/knockd.service leaves the daemon, but for a change of users, and more. */
const bounded = (host: Host, config: string, more: readonly string[]): Process => {
  const unit = readFileSync(new URL('../../examples/knockd.service', import.meta.url), 'utf8')
  const own = /^CapabilityBoundingSet=(.*)$/m
    .exec(unit)![1]!
    .split(' ')
    .filter((name) => !/^CAP_SET[UG]ID$/.test(name))
  const left = [...own, ...more].map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)
  const limits = [`--bounding-set=-all,${left.join()}`, '--inh-caps=-all', '--no-new-privs']
  const daemon = [process.execPath, program('knockd'), '-v', '-D', '-c', config, '-i', 'eth0']
  return host.start(['setpriv', ...limits, ...daemon])
}

lab('commands of an access.conf', () => {
  test('run as somebody else where the unit lets them; else the daemon says so at start, and opens what else there is', async () => {
    const { server, client } = await pair()
    const notes = scratch('notes')
    writeFileSync(notes, '', { mode: 0o666 })
    await server.run(['sh', '-c', `chmod 666 ${notes}; chmod 711 $(dirname ${notes})`])
    const access = secretFile('access.conf', `${STANZA}ENABLE_CMD_EXEC Y\nCMD_EXEC_USER nobody\n`)
    const door = `[fw]\nSPA = fwknop\nAccess_File = ${access}\nStart_Command = touch ${notes}.opened\n`
    const config = writeConfig(withStateDir(door, scratch('state')))
    running = bounded(server, config, [])
    expect(await running.line(/error/)).toMatch(
      /access\.conf:5:1: error: CMD_EXEC_USER: knockd cannot change users: it lacks CAP_SETGID and CAP_SETUID; .*add CAP_SETGID CAP_SETUID to CapabilityBoundingSet=/,
    )
    await running.line(/listening on/)
    await fwknop(client, ['-C', `id -un >> ${notes}`])
    await running.line(/fw: CMD_EXEC_USER: knockd cannot change users/)
    await fwknop(client, ['-A', 'tcp/22'])
    await running.line(/OPEN SESAME/)
    await until('the opening', () => readdirSync(join(notes, '..')).some((name) => name.endsWith('.opened')))
    expect(lines(notes)).toEqual([])
    await running.stop()
    running = bounded(server, config, ['CAP_SETUID', 'CAP_SETGID'])
    await running.line(/listening on/)
    await fwknop(client, ['-C', `id -un >> ${notes}`])
    await until('the command', () => lines(notes).length === 1)
    expect(lines(notes)).toEqual(['nobody'])
    // Looked at again when the file changes, and at a reload.
    writeFileSync(access, readFileSync(access, 'utf8').replace('nobody', 'nobody-here'))
    running.kill('SIGHUP')
    await running.line(/access\.conf:5:1: error: CMD_EXEC_USER: there is no user nobody-here/)
    await fwknop(client, ['-C', `id -un >> ${notes}`])
    await running.line(/fw: CMD_EXEC_USER: there is no user nobody-here/)
    expect(lines(notes)).toEqual(['nobody'])
  }, 60_000)

  test('a cycle opens no port that the door does not have, and for no longer', async () => {
    const { server, client } = await pair()
    const notes = scratch('notes')
    const script = scratch('script')
    writeFileSync(script, `#!/bin/sh\necho "$@" >> ${notes}\n`, { mode: 0o755 })
    const cycle = `CMD_CYCLE_OPEN ${script} open $PORT $CLIENT_TIMEOUT\nCMD_CYCLE_CLOSE ${script} close $PORT\nCMD_CYCLE_TIMER 60\n`
    running = (await startFwknop(server, `${STANZA}${cycle}`, ['Open_Ports = tcp/22', 'Open_For = 2s'])).process
    await fwknop(client, ['-A', 'tcp/3306'])
    expect(await running.line(/OPEN SESAME|a port is not/)).toMatch(/a port is not in Open_Ports/)
    await fwknop(client, ['-A', 'tcp/22,tcp/3306'])
    expect(await running.line(/OPEN SESAME|a port is not/)).toMatch(/a port is not in Open_Ports/)
    await fwknop(client, ['-A', 'tcp/22', '-f', '300'])
    await until('the close', () => lines(notes).length === 2)
    expect(lines(notes)).toEqual(['open 22 2', 'close 22'])
  }, 60_000)

  test('a claimed name is a claim wherever it stands, and nothing but letters', async () => {
    const { server, client } = await pair()
    const json = scratch('log.json')
    const notes = scratch('notes')
    const access = `# users\n${STANZA}`
    const daemon = await startFwknop(
      server,
      access,
      [
        'Open_Ports = tcp/22',
        'Open_For = 60s',
        `Start_Command = echo "user=$POSTERN_USER claimed=$POSTERN_CLAIMED_USER" >> ${notes}`,
      ],
      `LogFile = ${json}\nLogFormat = json`,
    )
    running = daemon.process
    await fwknop(client, ['-A', 'tcp/22', '-f', '60', '--spoof-user', "root) $(id) 'x"])
    const name = 'root____id___x'
    expect(await running.line(/OPEN SESAME/)).toMatch(
      new RegExp(`^${CLIENT_4}: fw: OPEN SESAME \\([^ ]*access\\.conf:2, claims to be ${name}\\)$`),
    )
    await until('the command', () => lines(notes).length === 1)
    expect(lines(notes)[0]).toMatch(new RegExp(`^user=[^ ]*access\\.conf:2 claimed=${name}$`))
    await until('the log', () => readFileSync(json, 'utf8').includes('"event":"open"'))
    const [said] = lines(json).flatMap((line) => {
      const entry = JSON.parse(line) as Record<string, string>
      return entry['event'] === 'open' ? [entry] : []
    })
    expect(said).toMatchObject({ user: expect.stringMatching(/access\.conf:2$/) as unknown, claimedUser: name })
    expect(await openings(server, daemon)).toMatchObject([{ user: said!['user'], claimedUser: name }])
    const text = (await postern(server, daemon, 'status')).stdout
    expect(text).toMatch(new RegExp(`${CLIENT_4} .*access\\.conf:2, claims to be ${name} `))
    // The journal has whose key it was, and nothing that is only claimed.
    const journal = readdirSync(daemon.stateDir, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('')
    expect(journal).toContain(`"user":"${said!['user']}"`)
    expect(journal).not.toContain(name)
    running.kill('SIGKILL')
    await running.ended
    running = await startAgain(server, daemon)
    const [again] = await openings(server, daemon)
    expect(again).toMatchObject({ user: said!['user'] })
    expect(again!.claimedUser).toBeUndefined()
  }, 60_000)

  test('the keys of a file alone are named by it', async () => {
    const { server, client } = await pair()
    const keys = secretFile('gate.keys', `KEY_BASE64: ${KEY}\nHMAC_KEY_BASE64: ${HMAC}\n`)
    const door = `[fw]\nSPA = fwknop\nFwknop_Keys = ${keys}\nStart_Command = true\n`
    const config = writeConfig(withStateDir(door, scratch('state')))
    running = server.start([process.execPath, program('knockd'), '-v', '-i', 'eth0', '-c', config])
    await running.line(/listening on/)
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'alice'])
    expect(await running.line(/OPEN/)).toMatch(/OPEN SESAME \([^ ]*gate\.keys:1, claims to be alice\)$/)
  })
})
