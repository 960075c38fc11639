// Goal: the service may use sockets of IP if its config needs them, and only then: commands, fwknop's stanzas, host names in the
// log, and etcd of a fleet. The generator runs alone, on files of the test's own.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const DEBIAN = join(import.meta.dirname, '../packaging/debian')
const WITHOUT_IP = 'RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX AF_NETLINK AF_PACKET\n'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-generator-'))
  write('/usr/lib/systemd/system/knockd.service', '')
  write('/usr/lib/systemd/systemd', '#!/bin/sh\necho "systemd 252 (252.1)"\n')
  chmodSync(join(folder, 'usr/lib/systemd/systemd'), 0o755)
  write('/etc/passwd', 'root:x:0:0::/:/bin/sh\n_postern:x:998:998::/:/bin/false\n')
  mkdirSync(join(folder, 'usr/share/postern'), { recursive: true })
  cpSync(join(DEBIAN, 'knockd-user.conf'), join(folder, 'usr/share/postern/knockd-user.conf'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(join(folder, dirname(path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** Runs the generator, and returns what it adds for the user; `undefined`: it adds nothing. */
function generated(config: string, options = ''): string | undefined {
  write('/etc/knockd.conf', config)
  write('/etc/default/knockd', options)
  const script = readFileSync(join(DEBIAN, 'knockd-generator'), 'utf8').replaceAll(
    /\/(?:etc|usr)\/[a-z]/g,
    `${folder}$&`,
  )
  const ran = spawnSync('sh', ['-c', script, 'generator', join(folder, 'run')], { encoding: 'utf8' })
  expect([ran.status, ran.stderr]).toEqual([0, ''])
  try {
    return readFileSync(join(folder, 'run/knockd.service.d/20-user.conf'), 'utf8')
  } catch {
    return undefined
  }
}

const DOOR = '[options]\nUser = _postern\n[ssh]\nUsers = /etc/postern/ssh.users\nOpen_Ports = tcp/22\n'

test('a door without commands needs no sockets of IP', () => {
  expect(generated(DOOR)).toContain('\nUser=_postern\n')
  expect(generated(DOOR)?.endsWith(WITHOUT_IP)).toBe(true)
})

test.each([
  ['a fleet', DOOR.replace('[ssh]', 'Fleet = /etc/postern/fleet/fleet.conf\n[ssh]'), ''],
  ['a fleet, as knockd writes directives', DOOR.replace('[ssh]', '\tFLEET=/etc/postern/fleet/fleet.conf\n[ssh]'), ''],
  ['a command', `${DOOR}Start_Command = /bin/true\n`, ''],
  ["fwknop's stanzas", `${DOOR}Access_File = /etc/postern/access.conf\n`, ''],
  ['host names in the log', DOOR, 'KNOCKD_OPTS="-l"\n'],
])('%s needs them', (_, config, options) => {
  expect(generated(config, options)).toContain('\nUser=_postern\n')
  expect(generated(config, options)).not.toContain('RestrictAddressFamilies')
})

test.each([
  ['no user', DOOR.replace('User = _postern\n', '')],
  ['root', DOOR.replace('_postern', 'root')],
  ['a user that does not exist', DOOR.replace('_postern', 'nobody-here')],
  ['commands as root', DOOR.replace('[ssh]', 'Commands_As_Root = yes\n[ssh]')],
])('%s: the service stays as it is', (_, config) => {
  expect(generated(config)).toBeUndefined()
})
