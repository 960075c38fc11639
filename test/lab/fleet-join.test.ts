// Goal: a fleet is set up with what `postern fleet init` writes and prints; hosts join by a token that works once, for a while;
// and the key of a removed host stops working, in the list and at etcd.
import { X509Certificate } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadFleet } from '../../src/fleet/settings.ts'
import { faultsOf } from '../schema/schema.ts'
import { SLOW, sample } from '../slow.ts'
import { ETCD_VERSIONS } from './etcd.ts'
import { FleetMachines, tokenOf } from './fleet-nodes.ts'
import type { Going } from './fleet-nodes.ts'
import { asked } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import { Host, lab } from './net.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { scratch } from './scratch.ts'

/** Two hosts and one node stand for more: fleet-document.test.ts has three of each. */
const NAMES = SLOW ? ['web1', 'web2', 'db1'] : ['web1', 'web2']
const NODES = SLOW ? 3 : 1
/** Milliseconds until all is well in a fleet, whose hosts give a sign of life every ten seconds. */
const LOOK_LIMIT_MS = 60_000

/** The version of Debian 13 takes a root file system that boots. */
const VERSIONS = sample(ETCD_VERSIONS, (_, index) => index === 0)

lab.each(VERSIONS)('a fleet with etcd %s', (version) => {
  let fleet: FleetMachines
  let hosts: readonly Host[]
  const folders: string[] = []
  const tokens: string[] = []
  const states: string[] = []
  /** An invitation that nobody uses. */
  let expiring: Going

  beforeAll(async () => {
    fleet = await FleetMachines.make(NODES, version)
    const made: Host[] = []
    for (const name of NAMES) made.push(await fleet.host(name))
    hosts = made
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
    const doubt = expect.stringContaining('with fewer than three, the loss of one stops all knocks') as string
    expect(first).toMatchObject({ code: 0, stderr: NODES < 3 ? doubt : '' })
    expect(first.stdout).toContain('all files are made; etcd does not answer yet')
    expect(await fleet.fleet('init', 'home')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('etcd does not answer yet'),
    })
    expect(first.stdout).toContain('next steps:')
    expect(first.stdout).toContain(
      `ssh root@${new URL(fleet.endpoints[0]!).hostname} nft -f /etc/etcd/postern/etcd.nft\n`,
    )
    expect(statSync(fleet.folder).mode & 0o777).toBe(0o700)
    const before = readFileSync(join(fleet.folder, 'sign.key'), 'utf8')
    await fleet.startNodes()
    expect(readFileSync(join(fleet.folder, 'sign.key'), 'utf8')).toBe(before)
    expect(await fleet.fleet('init', 'home')).toMatchObject({
      code: 0,
      stdout: 'the fleet home has 0 hosts (version 1)\n',
    })
  })

  test('hosts join by token, each with keys of its own', async () => {
    for (const [index, name] of NAMES.entries()) {
      // One host is enough to see that the program does the same.
      const joined = await fleet.join(index === 0 ? hosts[0] : undefined, name, '--groups', 'eu')
      tokens.push(joined.token)
      folders.push(joined.folder)
      const [fingerprint] = /([0-9a-f]{4}-){3}[0-9a-f]{4}/.exec(joined.said) ?? ['none']
      expect(joined.operator).toContain(fingerprint)
      // A daemon that runs already takes Fleet at its next start alone.
      expect(joined.said).toContain('postern check && systemctl restart knockd\n')
      expect(joined.operator).toContain(`(version ${index + 2})`)
      expect(modesIn(joined.folder)).toEqual(
        Object.fromEntries(
          ['ca.crt', 'fleet.conf', 'fleet.key', 'host.crt', 'host.key', 'sign.key'].map((file) => [file, 0o600]),
        ),
      )
      expect(statSync(joined.folder).mode & 0o777).toBe(0o700)
      const keys = loadFleet(join(joined.folder, 'fleet.conf'))
      expect(keys.settings).toMatchObject({ fleet: 'home', host: name })
      const cert = new X509Certificate(keys.access.cert)
      expect([cert.subject, cert.subjectAltName]).toEqual([undefined, `DNS:${name}`])
    }
    expect(new Set(folders.map((folder) => readFileSync(join(folder, 'sign.key'), 'utf8'))).size).toBe(NAMES.length)
    expect(new Set(folders.map((folder) => readFileSync(join(folder, 'fleet.key'), 'utf8'))).size).toBe(1)
  })

  test('of hosts that use a token at once one joins; used once more it is refused, and both sides are told', async () => {
    expiring = fleet.start('invite', 'late', '--for', '5s')
    const inviting = fleet.start('invite', 'spare')
    const token = await tokenOf(inviting)
    const all = await Promise.all(NAMES.map(async (_, index) => await use(token, scratch(`race${index}`))))
    expect(all.filter(({ code }) => code === 0)).toHaveLength(1)
    expect(await inviting.ended).toMatchObject({ code: 0 })
    const second = scratch('second')
    expect(await use(token, second)).toMatchObject({
      code: 1,
      stderr:
        'postern: the token was used already: another host has joined with it\n' +
        '  if that was not you, tell the operator: postern fleet remove spare\n',
    })
    expect(existsSync(second)).toBe(false)
    expect((await fleet.fleet('hosts')).stdout).toContain('the token of spare was presented twice')
    // No host gives signs of life yet, so that none is waited for.
    expect(await fleet.fleet('remove', 'spare', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not in force yet at '),
      stdout: expect.stringContaining(`(version ${NAMES.length + 3})`),
    })
    expect((await fleet.fleet('hosts')).stdout).not.toContain('spare')
  })

  // invitation.test.ts reads tokens that are not whole.
  test('a token that expired or was withdrawn is refused, each in its words', async () => {
    const withdrawn = fleet.program('invite', 'later')
    const [token, other] = await Promise.all([tokenOf(expiring), tokenOf(withdrawn)])
    withdrawn.kill('SIGINT')
    expect([await withdrawn.ended, await expiring.ended]).toMatchObject([{ code: 1 }, { code: 1 }])
    expect(expiring.stderr).toContain('the token has expired: nobody used it')
    const folder = scratch('late')
    expect((await use(token, folder)).stderr).toContain('the token has expired')
    expect((await use(other, folder)).stderr).toContain('the token has expired, or was withdrawn')
    expect(existsSync(folder)).toBe(false)
  })

  test('a host that is in a fleet is left as it is, and a name that is taken needs --replace', async () => {
    const before = readFileSync(join(folders[0]!, 'sign.key'), 'utf8')
    expect(await use(tokens[1]!, folders[0]!)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is in a fleet already'),
    })
    expect(readFileSync(join(folders[0]!, 'sign.key'), 'utf8')).toBe(before)
    expect(await fleet.fleet('invite', 'web1')).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') })
    // A host that gets a new key stays in its groups.
    folders[0] = (await fleet.join(undefined, 'web1', '--replace')).folder
    expect(readFileSync(join(folders[0], 'sign.key'), 'utf8')).not.toBe(before)
    expect((await fleet.fleet('hosts')).stdout).toMatch(/^ *web1 +eu /m)
  })

  test('hosts and status show those that run, and what is wrong', async () => {
    const silent = await fleet.fleet('status')
    expect(silent).toMatchObject({ code: 1, stdout: expect.stringContaining('web1: no sign of life for a minute') })
    const confs = folders.map((folder) => join(folder, 'fleet.conf'))
    for (const conf of confs) {
      states.push(scratch('fleet-state'))
      appendFileSync(conf, `State_Folder = ${states.at(-1)}\n`)
    }
    const door = '[ssh]\nSequence = 7001,8001\nStart_Command = /bin/true\n'
    await Promise.all(
      confs.map(
        async (conf, index) =>
          await startKnockd({ host: hosts[index]!, config: `[options]\nFleet = ${conf}\n${door}` }),
      ),
    )
    let stdout = ''
    const isWell = async (): Promise<boolean> => {
      const status = await fleet.fleet('status')
      stdout = status.stdout
      return status.code === 0
    }
    await until('all is well', isWell, LOOK_LIMIT_MS)
    expect(stdout).toMatch(/etcd-[123] \(leader\)/)
    expect(stdout).toContain(' of 2048 MiB')
    expect(stdout).toContain('all is well')
    const asHost = await hosts[0]!.run([program('postern'), 'fleet', 'hosts', '--json', '--folder', folders[0]!])
    const { hosts: rows } = JSON.parse(asHost.stdout) as { readonly hosts: readonly { readonly name: string }[] }
    expect(rows.map(({ name }) => name).toSorted()).toEqual(NAMES.toSorted())
    expect(rows[0]).toMatchObject({ groups: ['eu'], version: expect.any(String), problems: [] })
  })

  test('push puts users in force on all hosts, and takes one away from all', async () => {
    const users = scratch('users.d')
    mkdirSync(users, { mode: 0o700 })
    const [alice, bob] = ['alice 7001,8002,9003\n', 'bob 7001,8002,9004\n']
    for (const [index, text] of [`${alice}${bob}`, bob].entries()) {
      writeFileSync(join(users, 'ssh.users'), text, { mode: 0o600 })
      const pushed = await fleet.fleet('push', users, '--yes')
      expect(pushed).toMatchObject({ code: 0, stdout: expect.stringContaining(`version ${index + 1} is in etcd`) })
      if (index > 0) expect(pushed.stdout).toContain('ssh.users: removed alice')
      const present = (): readonly string[] =>
        states.map((state) => readFileSync(join(state, 'users.d/ssh.users'), 'utf8'))
      await until(
        'all hosts have it',
        () => states.every((state) => existsSync(join(state, 'users.d'))) && present().every((each) => each === text),
      )
    }
    const status = ['status', '--quiet'] as const
    await until('all is well', async () => (await fleet.fleet(...status)).code === 0, LOOK_LIMIT_MS)
    // Each list in force was a sign of life, and those tell the clocks.
    let json = ''
    const areCompared = async (): Promise<boolean> => {
      json = (await fleet.fleet('hosts', '--json')).stdout
      return !json.includes('"clockMs": null')
    }
    await until('clocks are compared', areCompared, LOOK_LIMIT_MS)
    expect(faultsOf(JSON.parse(json), 'fleet-hosts')).toEqual([])
    expect(faultsOf(JSON.parse((await fleet.fleet('status', '--json')).stdout), 'fleet-status')).toEqual([])
  })

  test('the key of a removed host stops working: at the others at once, and at etcd with the new revocation list', async () => {
    const removed = await fleet.fleet('remove', 'web2', '--yes')
    // Its daemon runs on, but nobody waits for it.
    expect(removed).toMatchObject({
      code: 0,
      // An interrupted wait must not keep the certificate from being revoked.
      stdout: expect.stringMatching(/its certificate is revoked[^]*\n\nall other hosts have the list in force\n$/),
    })
    expect((await fleet.fleet('hosts')).stdout).toContain(
      'signs of life of web2, not in the list: a host that was removed',
    )
    await fleet.copy(join(fleet.folder, 'clients/crl.pem'), '/etc/etcd/postern/crl.pem')
    const words = ['fleet', 'hosts', '--folder']
    const refused = await asked([...words, folders[1]!])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('a certificate that was revoked') })
    expect(await asked([...words, folders[0]!])).toMatchObject({ code: 0 })
    expect(await fleet.fleet('remove', 'web2', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('web2 is not in the fleet'),
    })
  })
})

/** Uses a token, in this process. */
async function use(token: string, folder: string): Promise<Output> {
  return await asked(['fleet', 'join', token, '--folder', folder])
}

function modesIn(folder: string): Readonly<Record<string, number>> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, statSync(join(folder, file)).mode & 0o777]))
}
