// Goal: the names that a shell gets are those of the config, and none that a terminal or a command line would take for something
// else; what cannot be read has none.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { socketPath } from '../../control/socket.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { CONFIG_READ_MAX_BYTES, NAMES_MAX, namesOf } from './names.ts'
import type { ValuesRequest } from './arguments.ts'

const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const folder = mkdtempSync(join(tmpdir(), 'postern-names-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

async function names(kind: ValuesRequest['kind'], config: string): Promise<readonly string[]> {
  return await namesOf({ kind, config, interfaces: [] })
}

test('doors, also those of a config with faults, each once', async () => {
  const config = write('faulty', '[options]\nInterfac = eth0\n[ssh]\nSequence = 1,x\n[my door]\n[ssh]\n[$(reboot)]\n')
  expect(await names('door', config)).toEqual(['$(reboot)', 'my door', 'ssh'])
})

test('no name that is an option, or that a terminal would act on', async () => {
  const hostile = [
    '--all',
    '-c',
    'tab\tbed',
    'csi\u009B31m',
    'line\u2028end',
    'para\u2029end',
    'rtl\u202Ecod',
    'nel\u0085',
    'esc\u001B[2J',
    'cr\rx',
  ]
  const config = write('hostile', `${hostile.map((name) => `[${name}]\n`).join('')}[good]\n`)
  expect(await names('door', config)).toEqual(['good'])
})

test('users of users and of single packets, and none of a file that others can read', async () => {
  const users = write('users', `alice ${KEY}\nbob 7431,8020\n$(x) 1,2\n`)
  const open = write('open', `mallory ${KEY}\n`, 0o644)
  const keys = write(
    'keys',
    `doors=ssh ${formatKey('postern-user', new Uint8Array(32).fill(7))} eve, her laptop\npostern-user:AA broken\n`,
  )
  const config = write(
    'people',
    `[a]\nUsers = ${users}\n[b]\nUsers = ${open}\n[c]\nSPA = postern\nSPA_Users = ${keys}\n[d]\nUsers = ${folder}\n`,
  )
  expect(await names('user', config)).toEqual(['alice', 'bob', 'eve, her laptop'])
})

test('interfaces of the machine and of the config', async () => {
  const config = write('interfaces', '[options]\nInterface = wg7, eth9\n[ssh]\n')
  expect(await names('interface', config)).toEqual(expect.arrayContaining(['any', 'eth9', 'lo', 'wg7']))
})

test.each(['door', 'user', 'source', 'ignored'] as const)(
  '%s: nothing of what is not there, large or unsafe',
  async (kind) => {
    const large = write('large', `[ssh]\n${'#'.repeat(CONFIG_READ_MAX_BYTES)}`)
    const unsafe = write('unsafe', '[ssh]\n', 0o666)
    for (const config of [join(folder, 'none'), '/dev/zero', '', folder, large, unsafe]) {
      expect(await names(kind, config)).toEqual([])
    }
  },
)

test.runIf(process.geteuid?.() === 0).each<[string, unknown, readonly string[]]>([
  ['null', null, []],
  ['no status', { status: null }, []],
  ['other types', { status: { doors: 7, openings: [null], ignored: {} } }, []],
  ['names that are none', { status: { doors: [{ name: 7 }, {}, { name: 'ssh' }] } }, ['ssh']],
])('of a daemon that answers anything, the names alone: %s', async (_, answer, expected) => {
  // The config of this daemon cannot be read by this user.
  const config = write('theirs', '[web]\n', 0o666)
  const path = socketPath(config, [])
  mkdirSync(dirname(path), { recursive: true })
  const server = createServer((client) => void client.once('data', () => client.end(JSON.stringify(answer))))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  try {
    expect(await names('door', config)).toEqual(expected)
  } finally {
    server.close()
  }
})

test('the number of names is limited', async () => {
  const many = Array.from({ length: NAMES_MAX + 9 }, (_, index) => `[door${index}]\n`).join('')
  expect((await names('door', write('many', many))).length).toBe(NAMES_MAX)
})
