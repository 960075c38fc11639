// Goal: what `postern user` prints with --json is what doc/schema says, for every kind of user, change and answer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, propertiesOf } from '../../../test/schema/schema.ts'
import { WHOLE_STATUS } from '../../../test/schema/status.ts'
import { USER_COMMANDS, runUser } from '../../../test/user/commands.ts'
import type { Action } from '../../../test/user/commands.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import type { AskAll, DoorReply } from './in-force.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-user-schema-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)
const write = (name: string, text: string): void => writeFileSync(path(name), text, { mode: 0o600 })

beforeAll(() => {
  write('server.key', `${formatKey('postern-server-secret', new Uint8Array(32).fill(11))}\n`)
  write('users', '# people\n')
  write('keys', '# keys\n')
  const doors = `[ssh]\nUsers = ${path('users')}\nOpen_Ports = tcp/22\n[vpn]\nSPA = postern\nSPA_Users = ${path('keys')}\n`
  const fwknop = `[old]\nSPA = fwknop\nAccess_File = ${path('access.conf')}\nOpen_Ports = tcp/80\n`
  write('knockd.conf', `[options]\nSPA_Key_File = ${path('server.key')}\n${doors}Open_Ports = udp/1194\n${fwknop}`)
  write('access.conf', `%include_folder ${path('people')}\n`)
})

const USED = Object.fromEntries(Object.keys(USER_COMMANDS).map((name) => [name, new Set<string>()])) as Record<
  Action,
  Set<string>
>

const OPENING = { ...WHOLE_STATUS.openings[0]!, user: 'alice', users: ['alice'] }
let openings = [OPENING]
let reply: DoorReply | undefined

const answers: AskAll = async (request) => {
  await Promise.resolve()
  if (request.command === 'status') return [{ status: { ...WHOLE_STATUS, openings } }]
  if (reply === undefined || request.command !== 'users') return []
  return 'error' in reply ? [reply] : [{ users: reply }]
}

/** Runs a command, and returns what of its JSON is not in its schema. */
async function faultsIn(action: Action, ...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await runUser(action, [...words, '--json', '-c', path('knockd.conf')], answers)
  return faultsOf(JSON.parse(out), `user-${action}`, USED[action])
}

const publicKey = formatKey('postern-user', keyPairOf(new Uint8Array(32).fill(2)).publicKey)
const answer = (isThere: boolean, left: readonly (typeof OPENING)[]): DoorReply => {
  const users = isThere ? [{ name: 'alice', lastUsedMs: 1_700_000_000_000 }] : []
  return { file: path('users'), users, openings: left }
}

test('whatever is added, changed and listed', async () => {
  const found = [
    await faultsIn('list'),
    await faultsIn('add', 'alice', '--door', 'ssh'),
    await faultsIn('add', 'alice', '--door', 'ssh'),
    await faultsIn('add', 'bob', '--sequence', '--door', 'ssh'),
    await faultsIn('add', 'eve', '--door', 'ssh', '--page', 'https://gate/x', '--image', path('eve.png')),
    await faultsIn('add', 'fay', '--sequence', '--door', 'ssh', '--page', 'https://gate/x'),
    await faultsIn('add', 'carol', '--spa', '--door', 'vpn', '--option', 'expires=2099-01-01'),
    await faultsIn('add', 'dan', '--spa', '--door', 'vpn', '--public-key', publicKey),
  ]
  found.push(await faultsIn('add', 'gus', '--door', 'old'), await faultsIn('add', 'gus', '--door', 'old'))
  found.push(await faultsIn('remove', 'gus'))
  reply = answer(true, [OPENING])
  found.push(await faultsIn('list'))
  // Still held by alice, then by nobody, then by others, then unknown.
  for (const action of ['disable', 'enable', 'remove'] as const) {
    for (const now of [answer(true, [OPENING]), answer(false, []), answer(false, [{ ...OPENING, users: ['bob'] }])]) {
      write('users', action === 'enable' ? '#disabled alice 1,2\n' : 'alice 1,2\n')
      reply = now
      found.push(await faultsIn(action, 'alice', '--door', 'ssh'))
    }
    write('users', action === 'enable' ? '#disabled alice 1,2\n' : 'alice 1,2\n')
    reply = { error: 'knockd does not answer' }
    found.push(await faultsIn(action, 'alice', '--door', 'ssh'), await faultsIn(action, 'zoe', '--door', 'ssh'))
  }
  openings = []
  reply = undefined
  write('users', '#disabled alice 1,2\n')
  found.push(await faultsIn('list'), await faultsIn('add', 'alice', '--door', 'ssh'))
  expect(found.flat()).toEqual([])
  for (const action of Object.keys(USER_COMMANDS) as Action[]) {
    expect([...propertiesOf(`user-${action}`)].filter((each) => !USED[action].has(each))).toEqual([])
  }
})
