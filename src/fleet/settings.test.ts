import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { publicKeyText } from './hosts.ts'
import { CLOCK_SKEW_DEFAULT_MS, FLEET_FILES, loadFleet, readSettings } from './settings.ts'

const OPERATOR = publicKeyText(generateKeyPairSync('ed25519').publicKey)
const TEXT = `# the fleet of a small house
Fleet = home
Host = web1
Etcd = https://10.0.0.1:2379, https://[fd00::2]:2379/
Etcd = https://etcd3.example:2379
Operator = alice ${OPERATOR}
Operator = bob ${OPERATOR}
`
const FILE = '/etc/postern/fleet/fleet.conf'

test('a host knows its fleet, the nodes, the operators, and its keys beside the file', () => {
  const settings = readSettings(TEXT, FILE)
  expect(settings).toMatchObject({
    fleet: 'home',
    host: 'web1',
    endpoints: ['https://10.0.0.1:2379', 'https://[fd00::2]:2379', 'https://etcd3.example:2379'],
    clockSkewMs: CLOCK_SKEW_DEFAULT_MS,
    loginFile: undefined,
    stateFolder: '/var/lib/postern/fleet/home',
  })
  expect(settings.operators.map(({ name }) => name)).toEqual(['alice', 'bob'])
  expect(settings.paths.fleetKeyFile).toBe('/etc/postern/fleet/fleet.key')
})

test.each([
  ['nothing', '', ['`Fleet` is missing', '`Host` is missing', '`Etcd` is missing', '`Operator` is missing']],
  ['an unknown name', `${TEXT}Hots = x\n`, [':8:1: error: unknown directive `Hots`', 'did you mean `Host`?']],
  ['etcd without TLS', TEXT.replaceAll('https://10', 'http://10'), ['begin with https://']],
  ['a key that is none', TEXT.replace(OPERATOR, 'AAAA'), [':6:12: error: this is not an operator']],
  ['a name that is a path', TEXT.replace('web1', '../x'), [':3:8: error: `../x` is not a name']],
  ['a name twice', `${TEXT}Host = web2\n`, ['`Host` is already set on line 3']],
])('%s is refused, with the place and what would be right', (_what, text, messages) => {
  for (const message of messages) expect(() => readSettings(text, FILE)).toThrow(message)
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(files: Readonly<Record<string, string>> = {}): string {
  const sign = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  const all = { 'ca.crt': 'CA', 'host.crt': 'CERT', 'host.key': 'KEY', 'sign.key': sign, 'fleet.key': `${OPERATOR}\n` }
  for (const [name, text] of Object.entries({ ...all, 'fleet.conf': TEXT, ...files })) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  return join(folder, 'fleet.conf')
}

test('the keys are read with it', () => {
  const keys = loadFleet(write({ login: 'postern:pass:word\n', 'fleet.conf': `${TEXT}Login_File = login\n` }))
  expect(keys.fleetKey).toHaveLength(32)
  expect(keys.signKey.asymmetricKeyType).toBe('ed25519')
  expect(keys.access).toMatchObject({
    ca: 'CA',
    cert: 'CERT',
    key: 'KEY',
    login: { name: 'postern', password: 'pass:word' },
  })
})

test.each([
  ['fleet.key', 'short', 'is not the key of a fleet'],
  ['sign.key', 'secret words', 'is not an Ed25519 private key in PEM'],
])('a bad %s is named, and nothing of it is shown', (name, text, message) => {
  const file = write({ [name]: text })
  expect(() => loadFleet(file)).toThrow(`${join(folder, name)}: ${message}`)
  expect(() => loadFleet(file)).not.toThrow(text)
})

test.each(Object.values(FLEET_FILES))('%s has to be there', (name) => {
  const file = write()
  rmSync(join(folder, name))
  expect(() => loadFleet(file)).toThrow(name)
})
