import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { publicKeyText } from './hosts.ts'
import {
  CLOCK_SKEW_DEFAULT_MS,
  DIRECTIVES,
  FLEET_FILES,
  loadAccess,
  loadFleet,
  loadFleetKey,
  loadOperatorSettings,
  readSettings,
} from './settings.ts'

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

test('the settings are the fleet, its nodes and operators, and the keys beside the file', () => {
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
  ['an invalid key', TEXT.replace(OPERATOR, 'AAAA'), [':6:12: error: this is not an operator']],
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

test('the keys are read with the settings', () => {
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
])('a bad %s is named, and none of its text is shown', (name, text, message) => {
  const file = write({ [name]: text })
  expect(() => loadFleet(file)).toThrow(`${join(folder, name)}: ${message}`)
  expect(() => loadFleet(file)).not.toThrow(text)
})

const messageOf = (load: () => unknown): string => {
  try {
    load()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was read')
}

test.each(Object.entries(FLEET_FILES))(
  'a missing %s is reported with the line, the file and the command that restores it',
  (key, name) => {
    const { name: directive } = DIRECTIVES[key as keyof typeof FLEET_FILES]
    const path = join(folder, name)
    const file = write()
    rmSync(path)
    const hint = ['ca.crt', 'fleet.key'].includes(name)
      ? 'copy it from another host of the fleet'
      : /^copy it .* postern fleet invite web1 --replace; .* sudo postern fleet join$/
    const [first, second, ...more] = messageOf(() => loadFleet(file)).split('\n')
    expect(first).toBe(`${file}: error: \`${directive}\` is not set, and its default is missing: ${path}`)
    expect(second?.trim()).toMatch(hint)
    expect(more).toEqual([])
    writeFileSync(file, `${TEXT}${directive} = gone/${name}\n`)
    const [named] = messageOf(() => loadFleet(file)).split('\n')
    const column = directive.length + ' = '.length + 1
    expect(named).toBe(`${file}:8:${column}: error: \`${directive}\`: ${join(folder, 'gone', name)}: no such file`)
  },
)

test('a missing login is reported, and so is a missing fleet.conf', () => {
  const file = write({ 'fleet.conf': `${TEXT}Login_File = login\n` })
  expect(messageOf(() => loadFleet(file))).toBe(
    `${file}:8:14: error: \`Login_File\`: ${join(folder, 'login')}: no such file\n` +
      '    one line, NAME:PASSWORD, as etcd has them; without access control, take this line out',
  )
  rmSync(file)
  expect(messageOf(() => loadFleet(file))).toBe(
    `${file}: no such file\nsudo postern fleet join makes it; a host in no fleet has no line Fleet in its config`,
  )
})

test('no message tells an operator to make a new key of the fleet, with which hosts could read no user', () => {
  const file = write({ 'fleet.conf': TEXT.replace('Host = web1\n', '') })
  rmSync(join(folder, 'fleet.key'))
  const settings = loadOperatorSettings(file)
  expect(messageOf(() => loadFleetKey(settings))).toMatch(/copy it from a host of the fleet: a new key would hide/)
  rmSync(join(folder, 'host.crt'))
  expect(messageOf(() => loadAccess(settings))).toMatch(/`Cert_File`.*\n.*postern fleet init home$/)
})
