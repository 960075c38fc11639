// Goal: doctor finds the traps of a real etcd that is set up badly, and says what to do; check finds a secret that another host has;
// and the status of a daemon says what etcd refuses although its watches go on.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EtcdAccess } from '../../src/etcd/access.ts'
import { readConfig } from '../../src/config/read.ts'
import { publicKeyText } from '../../src/fleet/hosts.ts'
import { Keyspace } from '../../src/fleet/keyspace.ts'
import { secretMarks } from '../../src/fleet/secret-marks.ts'
import { signText } from '../../src/fleet/signed.ts'
import { examineFleet } from '../../src/postern/doctor/fleet/fleet.ts'
import { EtcdCluster } from './etcd.ts'
import { asked, statusOf } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { Host, lab } from './net.ts'
import { until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

const QUOTA_BYTES = 24 * 1_048_576
const FLEET_KEY = randomBytes(32)
const LOGIN = { name: 'postern', password: 'secret' }

interface Found {
  readonly severity: string
  readonly subject: string
  readonly message: string
}

/** Writes a host's place in a fleet, and returns its file. */
function place({ endpoints, ca, cert, key, login }: EtcdAccess): string {
  const folder = scratch('place')
  mkdirSync(folder, { mode: 0o700 })
  const operator = publicKeyText(generateKeyPairSync('ed25519').publicKey)
  const files = {
    'ca.crt': ca,
    'host.crt': cert,
    'host.key': key,
    'sign.key': generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    'fleet.key': `${FLEET_KEY.toString('base64')}\n`,
    login: login === undefined ? '' : `${login.name}:${login.password}\n`,
    'fleet.conf': `Fleet = home\nHost = web1\nEtcd = ${endpoints.join()}\nOperator = alice ${operator}\nState_Folder = ${folder}/state\n${login === undefined ? '' : 'Login_File = login\n'}`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, 'fleet.conf')
}

/** Writes the config of a host with an access to etcd, and returns its path. */
const configOf = (access: EtcdAccess): string =>
  writeConfig(
    `[options]\nFleet = ${place(access)}\nInterface = eth1\n[ssh]\nSequence = 7001,8001\nStart_Command = /bin/true\n`,
  )

/** What doctor finds about the fleet, in this process. */
async function doctor(access: EtcdAccess): Promise<readonly Found[]> {
  const file = configOf(access)
  return await examineFleet(readConfig(readFileSync(file, 'utf8'), file).config!)
}

const texts = (findings: readonly Found[]): readonly string[] =>
  findings.map(({ severity, message }) => `${severity}: ${message}`)

lab('doctor and a fleet', () => {
  let host: Host
  let cluster: EtcdCluster

  beforeAll(async () => {
    host = await Host.make('web1')
    cluster = await EtcdCluster.start({ nodes: 1, flags: [`--quota-backend-bytes=${QUOTA_BYTES}`] })
    await cluster.attach(host)
  })
  afterAll(async () => {
    await cluster.close()
    await Host.removeAll()
  })

  test('one node, an old version, and a host that no operator knows', async () => {
    const words = ['doctor', '--json', '-c', configOf(cluster.access())]
    const { stdout } = await host.run([process.execPath, program('postern'), ...words], {
      mayFail: true,
      limitMs: 120_000,
    })
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Found[] }
    const all = texts(findings.filter(({ subject }) => subject === 'fleet'))
    expect(all).toContainEqual(expect.stringMatching(/^warning: etcd has one node: when one stops, nobody can knock/))
    expect(all).toContainEqual(expect.stringMatching(/^note: access control of etcd 3\.4\.\d+ is no boundary/))
    expect(all).toContainEqual(expect.stringMatching(/^fault: the operators of home do not know web1/))
    expect(all).toHaveLength(3)
  })

  test('a certificate with a common name', async () => {
    expect(texts(await doctor(cluster.access(undefined, '/CN=web1')))).toContainEqual(
      expect.stringMatching(/^warning: this host's certificate for etcd has a common name/),
    )
  })

  test('keys of Kubernetes, and a database that is nearly full', async () => {
    const etcd = cluster.client()
    await etcd.put('/registry/pods/default/web', 'x')
    const fill = async (bytes: number): Promise<unknown> =>
      await etcd.put(`/fill/${randomBytes(8).toString('hex')}`, randomBytes((bytes * 3) / 4).toString('base64'))
    // Large values are written more than once where etcd is slow.
    for (let bytes = 0; bytes < 0.5 * QUOTA_BYTES; bytes += 500_000) await fill(500_000)
    // Its size is known a moment later, in which small values do not fill it.
    await until('the database is nearly full', async () => {
      const { dbSize } = await etcd.statusOf(cluster.endpoints[0]!)
      if (dbSize > 0.82 * QUOTA_BYTES) return true
      await fill(50_000)
      return false
    })
    const all = texts(await doctor(cluster.access()))
    expect(all).toContainEqual(expect.stringMatching(/^fault: this etcd is also that of Kubernetes/))
    expect(all).toContainEqual(expect.stringMatching(/^warning: .*: the database has \d+ % of its quota/))
    // What is not deleted takes its room after a compaction, too.
    await cluster.etcdctl('del', '--prefix', '/fill/')
  })

  /** Waits for the state of a daemon's fleet in its status. A reload makes it give a sign of life at once. */
  async function fleetHealth(daemon: Knockd, state: string, words: RegExp): Promise<void> {
    daemon.process.kill('SIGHUP')
    let told = ''
    await until(
      `the status is ${state}`,
      async () => {
        const { health = [], clock } = await statusOf(host, daemon)
        // Its door has a sequence, and depends on the clock all the same.
        expect(clock?.needed).toBe(true)
        const found = health.find(({ subject }) => subject === 'fleet')
        told = JSON.stringify(found)
        return found?.state === state && words.test(found.message)
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${told}`)
    })
  }

  test('a certificate near its end, a node that is gone when the daemon starts, a full database: the status says so, why, and what to do', async () => {
    // Its certificate ends in ten days.
    const access = { ...cluster.access(), ...cluster.authority.leaf('DNS:web1', 'clientAuth', '/O=lab', 10) }
    expect(texts(await doctor(access))).toContainEqual(
      expect.stringMatching(
        /^warning: the certificate of this host .* expires on .* postern fleet invite web1 --replace/,
      ),
    )
    const gone = 'https://127.0.0.1:1'
    const door = '[ssh]\nSequence = 7001,8001\nStart_Command = /bin/true\nScope = fleet\n'
    const config = `[options]\nFleet = ${place({ ...access, endpoints: [gone, ...access.endpoints] })}\n${door}`
    const daemon = await startKnockd({ host, config, args: ['-i', 'eth1'] })
    await fleetHealth(
      daemon,
      'warning',
      /^the certificate of this host .* expires on .*; https:\/\/127\.0\.0\.1:1 does not answer: connection refused: look whether/,
    )
    await cluster.fill()
    await fleetHealth(daemon, 'critical', /^its doors stay shut: the database of etcd is full: compact .*alarm disarm/)
    await daemon.process.line(/etcd refuses the signs of life of this host: the database of etcd is full/)
    await cluster.makeRoom()
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/etcd takes again what this host writes/)
    await fleetHealth(daemon, 'warning', /^the certificate of this host .*; https:\/\/127\.0\.0\.1:1 does not answer/)
    await daemon.process.stop()
  })

  test('check finds a secret of another host, by marks that tell nobody what it is', async () => {
    const list = writeConfig('7001,8001,9001\n7002,8002,9002\n', 'list')
    const text = `[options]\nFleet = ${place(cluster.access())}\nInterface = eth1\n[ssh]\nOne_Time_Sequences = ${list}\nOpen_Ports = tcp/22\n`
    const config = writeConfig(text)
    const marks = secretMarks(FLEET_KEY, readConfig(text, config).config!.doors, '/nowhere')
    expect(marks).toHaveLength(2)
    const beat = { at: Date.now(), version: '0.1.0', versions: {}, refused: {}, doors: 0 }
    const beats = async (of: readonly string[]): Promise<void> => {
      const at = new Keyspace('home').beat('web2')
      const signer = { name: 'web2', key: generateKeyPairSync('ed25519').privateKey }
      await cluster.client().put(at, signText(at, { ...beat, marks: of }, signer))
    }
    await beats(marks)
    const check = async () => await asked(['check', config])
    expect((await check()).stdout).toContain('web2 has a secret of door `ssh`, too: it can be used once on each host')
    await beats(secretMarks(randomBytes(32), readConfig(text, config).config!.doors, '/nowhere'))
    expect((await check()).stdout).not.toContain('web2')
  })

  test('with access control: a certificate with a common name is refused, and this version is no boundary', async () => {
    await cluster.etcdctl('user', 'add', 'root:root')
    await cluster.etcdctl('user', 'add', `${LOGIN.name}:${LOGIN.password}`)
    await cluster.etcdctl('user', 'grant-role', LOGIN.name, 'root')
    await cluster.etcdctl('user', 'grant-role', 'root', 'root')
    await cluster.etcdctl('auth', 'enable')
    const named = texts(await doctor({ ...cluster.access(undefined, '/CN=web1'), login: LOGIN }))
    expect(named).toContainEqual(
      expect.stringMatching(/^fault: fleet unavailable: etcd refuses the client certificate, as it has a common name/),
    )
    expect(named).toContainEqual(expect.stringMatching(/^fault: this host's certificate for etcd has a common name/))
    const bare = texts(await doctor({ ...cluster.access(), login: LOGIN }))
    expect(bare).toContainEqual(
      expect.stringMatching(/^warning: access control of etcd 3\.4\.\d+ is no boundary .*firewall it/),
    )
    expect(bare.filter((each) => each.includes('common name'))).toEqual([])
    // This user may read everything, so that nothing but a write tells.
    const reader = { name: 'reader', password: 'secret' }
    const asRoot = async (...words: string[]) => await cluster.etcdctl('--user', 'root:root', ...words)
    await asRoot('user', 'add', `${reader.name}:${reader.password}`)
    await asRoot('role', 'add', 'reads')
    await asRoot('role', 'grant-permission', 'reads', '--prefix=true', 'read', '')
    await asRoot('user', 'grant-role', reader.name, 'reads')
    const fleet = place({ ...cluster.access(), login: reader })
    const config = `[options]\nFleet = ${fleet}\n[ssh]\nSequence = 7001,8001\nStart_Command = /bin/true\nScope = fleet\n`
    const daemon = await startKnockd({ host, config, args: ['-i', 'eth1'] })
    const refused = /^its doors stay shut: etcd refuses the name.*etcdctl user grant-role NAME ROLE/
    await fleetHealth(daemon, 'critical', refused)
    await daemon.process.stop()
  })

  test('the gateway is off', async () => {
    const off = await EtcdCluster.start({ nodes: 1, byFile: true })
    try {
      let all: readonly string[] = []
      await until(
        'etcd listens',
        async () => {
          all = texts(await doctor(off.access()))
          return all.some((each) => each.includes('gateway'))
        },
        60_000,
      )
      expect(all).toContainEqual(
        expect.stringMatching(
          /^fault: fleet unavailable: the JSON gateway of etcd is off \(HTTP 404\).*enable-grpc-gateway: true/,
        ),
      )
    } finally {
      await off.close()
    }
  })
})
