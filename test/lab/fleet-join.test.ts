// Goal: a fleet is set up with what `postern fleet init` writes and prints; hosts join by a token that is good once and for a while;
// and a host that is removed counts no more, in the list and at etcd.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FleetMachines } from './fleet-nodes.ts'
import { Host, lab } from './net.ts'

lab('a fleet', () => {
  let fleet: FleetMachines
  let hosts: readonly Host[]
  const folders: string[] = []

  beforeAll(async () => {
    fleet = await FleetMachines.make()
    hosts = [await fleet.host('web1'), await fleet.host('web2'), await fleet.host('db1')]
  })
  afterAll(async () => await Host.removeAll())

  test('init writes the folder, and says what is next; run again with etcd there, it signs the first list', async () => {
    const first = await fleet.fleet(
      'init',
      'home',
      '--etcd',
      fleet.endpoints.join(),
      '--no-passphrase',
      '--operator',
      'alice',
    )
    expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining('etcd does not answer yet') })
    expect(first.stdout).toContain('next steps:')
    expect(statSync(fleet.folder).mode & 0o777).toBe(0o700)
    const before = readFileSync(join(fleet.folder, 'sign.key'), 'utf8')
    await fleet.start()
    expect(readFileSync(join(fleet.folder, 'sign.key'), 'utf8')).toBe(before)
    expect(await fleet.fleet('init', 'home')).toMatchObject({
      code: 0,
      stdout: 'the fleet home has 0 hosts (version 1)\n',
    })
  })

  test('three hosts join by token', async () => {
    for (const [index, name] of ['web1', 'web2', 'db1'].entries()) {
      const joined = await fleet.join(hosts[index]!, name, '--groups', 'eu')
      folders.push(joined.folder)
      const [fingerprint] = /([0-9a-f]{4}-){3}[0-9a-f]{4}/.exec(joined.said) ?? ['none']
      expect(joined.operator).toContain(fingerprint)
      expect(joined.operator).toContain(`(version ${index + 2})`)
    }
  })
})
