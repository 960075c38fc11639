import { generateKeyPairSync } from 'node:crypto'
import type { KeyPairKeyObjectResult } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicKeyText } from './hosts.ts'
import {
  authenticated,
  exported,
  fingerprint,
  newInvitation,
  openAnswer,
  readAuthenticated,
  readRequest,
  readToken,
  sealAnswer,
  tokenOf,
} from './invitation.ts'
import type { Invitation, JoinAnswer } from './invitation.ts'

const BLOCK = (label: string, text: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(text).toString('base64')}\n-----END ${label}-----\n`
const ALICE = generateKeyPairSync('ed25519')
const SIGNER = { name: 'alice', key: ALICE.privateKey }
const INVITATION: Invitation = {
  fleet: 'home',
  host: 'web1',
  operator: publicKeyText(ALICE.publicKey),
  endpoints: ['https://10.0.0.1:2379'],
  until: 1_000,
  ...newInvitation(),
  ca: BLOCK('CERTIFICATE', 'one') + BLOCK('CERTIFICATE', 'two'),
  client: { cert: BLOCK('CERTIFICATE', 'client'), key: BLOCK('PRIVATE KEY', 'key') },
  login: { name: 'postern', password: 'x' },
}
const SIGN = publicKeyText(generateKeyPairSync('ed25519').publicKey)
const ANSWER: JoinAnswer = {
  ca: 'CA',
  fleetKey: 'k',
  endpoints: [],
  operators: [],
  groups: [],
  least: { hosts: 3, users: 0 },
}

test('a token is one word, and is read back', () => {
  const token = tokenOf(INVITATION)
  expect(token).toMatch(/^postern1\.[\w-]+$/)
  expect(readToken(token)).toEqual(INVITATION)
  const own = { ...INVITATION, client: undefined, login: undefined }
  expect(readToken(tokenOf(own))).toEqual(own)
})

test('what is no token, and one that was not copied whole, are told apart', () => {
  const token = tokenOf(INVITATION)
  expect(readToken('alice')).toEqual({ message: 'this is not a token: it begins with postern1.' })
  for (const part of [
    token.slice(0, -1),
    token.slice(0, 60),
    'postern1.',
    `${token.slice(0, 40)}A${token.slice(41)}`,
  ]) {
    expect(readToken(part)).toEqual({ message: 'the token is not complete: copy all of it' })
  }
})

test('only who knows the secret of this very invitation can ask', () => {
  const text = authenticated(INVITATION, { at: 5 })
  expect(readAuthenticated(INVITATION, text)).toEqual({ at: 5 })
  for (const other of [{ secret: Buffer.alloc(32) }, { host: 'web2' }, { fleet: 'work' }, { id: '00' }]) {
    expect(readAuthenticated({ ...INVITATION, ...other }, text)).toBeUndefined()
  }
  const parts = JSON.parse(text) as Record<string, string>
  for (const forged of [
    '',
    '{}',
    'null',
    JSON.stringify({ ...parts, body: '{"at":6}' }),
    JSON.stringify({ ...parts, mac: '' }),
  ]) {
    expect(readAuthenticated(INVITATION, forged)).toBeUndefined()
  }
})

test('a request has a key that signs, and the parts of a certificate', () => {
  const request = { sign: SIGN, tls: 'PEM', dh: 'x', at: 5 }
  expect(readRequest(request)).toEqual(request)
  for (const wrong of [null, [], { ...request, sign: 'AAAA' }, { ...request, at: 'x' }, { ...request, tls: 1 }, {}]) {
    expect(readRequest(wrong)).toBeUndefined()
  }
})

test('only the host that asked can read the answer, and only the operator can have made it', () => {
  const [host, operator, other] = [0, 1, 2].map(() => generateKeyPairSync('x25519')) as [
    KeyPairKeyObjectResult,
    KeyPairKeyObjectResult,
    KeyPairKeyObjectResult,
  ]
  const sealed = sealAnswer(INVITATION, ANSWER, exported(host.publicKey), operator, SIGNER)
  expect(sealed).not.toContain('fleetKey')
  expect(openAnswer(INVITATION, sealed, host)).toEqual(ANSWER)
  expect(openAnswer(INVITATION, sealed, other)).toBeUndefined()
  const forger = { ...INVITATION, secret: Buffer.alloc(32) }
  const forged = sealAnswer(forger, ANSWER, exported(host.publicKey), other, SIGNER)
  for (const text of [forged, '', '{}', '{"dh":"","box":""}']) {
    expect(openAnswer(INVITATION, text, host)).toBeUndefined()
  }
})

test('a thief of the token can neither answer in place of the operator, nor repeat the answer to another host', () => {
  const [host, thief, own] = [0, 1, 2].map(() => generateKeyPairSync('x25519')) as [
    KeyPairKeyObjectResult,
    KeyPairKeyObjectResult,
    KeyPairKeyObjectResult,
  ]
  const mallory = { name: 'alice', key: generateKeyPairSync('ed25519').privateKey }
  const forged = sealAnswer(INVITATION, ANSWER, exported(host.publicKey), thief, mallory)
  expect(openAnswer(INVITATION, forged, host)).toBeUndefined()
  // The thief joins first, and hands on what the operator has signed for another key.
  const forThief = sealAnswer(INVITATION, ANSWER, exported(thief.publicKey), own, SIGNER)
  expect(openAnswer(INVITATION, forThief, thief)).toEqual(ANSWER)
  expect(openAnswer(INVITATION, forThief, host)).toBeUndefined()
})

test('the fingerprint is short enough to compare', () => {
  expect(fingerprint(SIGN)).toMatch(/^(?:[0-9a-f]{4}-){3}[0-9a-f]{4}$/)
})
