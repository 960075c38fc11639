// Goal: a host that joins a fleet that was set up anew does not silently keep the users of the earlier one.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { signText } from '../../../fleet/signed.ts'
import { earlierState } from './earlier-state.ts'

const ALICE = generateKeyPairSync('ed25519')
const EARLIER = generateKeyPairSync('ed25519')

let stateFolder: string
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'earlier-'))
})
afterEach(() => rmSync(stateFolder, { recursive: true }))

const found = () => earlierState({ fleet: 'home', operators: [{ name: 'alice', key: ALICE.publicKey }], stateFolder })
const keep = (key = ALICE.privateKey): void => {
  const text = signText(new Keyspace('home').document('hosts'), { version: 50, hosts: [] }, { name: 'alice', key })
  writeFileSync(join(stateFolder, 'hosts.signed'), text, { mode: 0o600 })
}

test('a new host, and one that joins the same fleet again, go on', () => {
  expect(found()).toBeUndefined()
  keep()
  expect(found()).toBeUndefined()
})

test('what another operator of that name signed is told, with a command', () => {
  keep(EARLIER.privateKey)
  expect(found()).toEqual({
    reason: `${stateFolder} has the users of an earlier fleet with this name, and newer versions than this one`,
    hint: `move it away before knockd starts: mv ${stateFolder} ${stateFolder}.old`,
  })
})
