// Goal: an operator who was taken out of fleet.conf signs nothing more after a reload, without a restart; and nobody is locked
// out by it. Certificates near their end are logged.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { Authority } from '../../test/etcd/certificates.ts'
import { publicKeyText } from './hosts.ts'
import { Keyspace } from './keyspace.ts'
import { FleetMember } from './member.ts'
import { readSettings } from './settings.ts'
import { signText } from './signed.ts'

const OPERATORS = { alice: generateKeyPairSync('ed25519'), bob: generateKeyPairSync('ed25519') }
const lineOf = (name: 'alice' | 'bob'): string => `Operator = ${name} ${publicKeyText(OPERATORS[name].publicKey)}\n`
const PLACE = new Keyspace('home').document('hosts')
const signed = (version: number, by: 'alice' | 'bob'): string =>
  signText(PLACE, { version, hosts: [] }, { name: by, key: OPERATORS[by].privateKey })

const certificates = mkdtempSync(join(tmpdir(), 'member-certificates-'))
let valid: { readonly ca: string; readonly cert: string; readonly key: string }
beforeAll(() => {
  const authority = new Authority(join(certificates, 'ca'))
  valid = { ...authority.leaf('DNS:web1', 'clientAuth'), ca: authority.ca }
})
afterAll(() => rmSync(certificates, { recursive: true }))

let folder: string
let lines: string[]
let member: FleetMember
const text = (operators: string, more = ''): string =>
  `Fleet = home\nHost = web1\nEtcd = https://127.0.0.1:1\nState_Folder = ${folder}\n${operators}${more}`
const write = (content: string): void => writeFileSync(join(folder, 'fleet.conf'), content, { mode: 0o600 })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'member-'))
  lines = []
  const file = join(folder, 'fleet.conf')
  const settings = readSettings(text(lineOf('alice') + lineOf('bob')), file)
  const signKey = generateKeyPairSync('ed25519').privateKey
  const access = { ...valid, endpoints: settings.endpoints }
  member = new FleetMember(
    { settings, access, fleetKey: Buffer.alloc(32), signKey },
    {
      log: { notice: (level, line) => void lines.push(`${level}: ${line}`) },
      store: { newest: () => undefined, advance: async () => await Promise.resolve(true) },
      steady: () => performance.now(),
      hostsChanged: () => undefined,
      doors: () => [],
      spaKeyFile: () => '/nowhere',
      refresh: () => undefined,
    },
  )
})
afterEach(() => {
  member.close()
  rmSync(folder, { recursive: true })
})

test('a removed operator signs nothing new; what is in force stays, and that is said', async () => {
  await member.hosts.offer(signed(1, 'bob'))
  write(text(lineOf('alice')))
  member.reread()
  expect(lines.slice(1)).toEqual([
    'notice: operators of the fleet: alice',
    'warning: the hosts of the fleet stay in force, although bob, who signed them, is no operator any more\n' +
      'to replace them: invite or remove a host',
  ])
  await member.hosts.offer(signed(2, 'bob'))
  expect(member.hosts.status).toMatchObject({ version: 1, refused: 'it is signed by somebody who may not' })
  await member.hosts.offer(signed(2, 'alice'))
  expect(member.hosts.status).toMatchObject({ version: 2, by: 'alice', refused: undefined })
})

test('an operator who was added counts, and one with another key under the old name is another one', async () => {
  write(text(lineOf('alice')))
  member.reread()
  await member.hosts.offer(signed(1, 'bob'))
  expect(member.hosts.present).toBeUndefined()
  const other = publicKeyText(generateKeyPairSync('ed25519').publicKey)
  write(text(`Operator = alice ${other}\n${lineOf('bob')}`))
  member.reread()
  await member.hosts.offer(signed(2, 'alice'))
  expect(member.hosts.present).toBeUndefined()
  await member.hosts.offer(signed(2, 'bob'))
  expect(member.hosts.present?.version).toBe(2)
})

test('what cannot change in place is named, and a file with an error changes nothing', async () => {
  const both = lineOf('alice') + lineOf('bob')
  write(text(both, 'Clock_Skew = 30s\nSign_Key_File = other.key\n'))
  member.reread()
  expect(lines).toEqual([
    `warning: ${join(folder, 'fleet.conf')}: a change of Sign_Key_File, Clock_Skew takes effect at the next start`,
  ])
  lines = []
  write('Operator = mallory\n')
  member.reread()
  expect(lines[0]).toMatch(/^error: .*fleet\.conf.*[^]*keeping the previous operators of the fleet$/)
  await member.hosts.offer(signed(1, 'bob'))
  expect(member.hosts.present?.version).toBe(1)
  lines = []
  write(text(both))
  member.reread()
  expect(lines).toEqual([])
})

test('a reload is told by a sign of life, as the doors may be others', () => {
  const soon = vi.spyOn(member.heart, 'soon').mockReturnValue()
  write(text(lineOf('alice') + lineOf('bob')))
  member.reread()
  expect(soon).toHaveBeenCalledOnce()
})

test('a certificate near its end is logged at the start and on each reload', () => {
  const day = 86_400_000
  vi.useFakeTimers({ now: Date.now() + 20 * day, toFake: ['Date', 'setInterval', 'clearInterval'] })
  try {
    write(text(lineOf('alice') + lineOf('bob')))
    member.start()
    member.reread()
    const about = (): readonly string[] => lines.filter((line) => line.includes('expires on'))
    // The host's and the authority's, each twice.
    expect(about()).toHaveLength(4)
    expect(about()[0]).toMatch(
      /^warning: the certificate of this host .* expires on .* postern fleet invite web1 --replace/,
    )
    vi.advanceTimersByTime(3 * day)
    expect(about()).toHaveLength(10)
    expect(member.trouble.problems).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})

test('a clock that is off is logged when it is found, not again as it drifts, and when it is right again', () => {
  for (const doubt of ['60 s ahead', '61 s ahead', '62 s ahead', undefined, undefined, '9 s behind']) {
    member.trouble.sayDoubt(doubt)
  }
  expect(lines).toEqual([
    'error: 60 s ahead\ndoors with `Scope = fleet` stay shut',
    'notice: the clock and the key of the fleet agree with the other hosts again',
    'error: 9 s behind\ndoors with `Scope = fleet` stay shut',
  ])
})
