// Goal: Postern's half of Noise agrees with other implementations, by their own test vectors, in both directions.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { keyPairOf, sharedSecret } from './curve.ts'
import { HANDSHAKE_BYTES, readMessage, writeMessage } from './handshake.ts'
import { PROTOCOL_NAME } from './symmetric.ts'

interface Vector {
  readonly protocol_name: string
  readonly init_prologue: string
  readonly init_static: string
  readonly init_ephemeral: string
  readonly init_remote_static: string
  readonly resp_static: string
  readonly handshake_hash: string
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[]
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const { vectors } = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/spa/noise-x.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] }
const ours = vectors.filter((vector) => vector.protocol_name === PROTOCOL_NAME)

test('there is a vector of our protocol', () => {
  expect(ours).toHaveLength(1)
})

describe.each(ours)('$protocol_name', (vector) => {
  const sender = keyPairOf(hex(vector.init_static))
  const recipient = keyPairOf(hex(vector.resp_static))
  const prologue = hex(vector.init_prologue)
  const { payload, ciphertext } = vector.messages[0]!

  test('public keys are derived as they were', () => {
    expect(toHex(recipient.publicKey)).toBe(vector.init_remote_static)
  })

  test('writing makes the message', () => {
    const ephemeral = keyPairOf(hex(vector.init_ephemeral))
    const written = writeMessage(sender, ephemeral, recipient.publicKey, prologue, hex(payload))!
    expect(toHex(written.message)).toBe(ciphertext)
    expect(toHex(written.hash)).toBe(vector.handshake_hash)
    expect(written.message).toHaveLength(HANDSHAKE_BYTES + payload.length / 2)
  })

  test('reading gives the sender and the payload back', () => {
    const read = readMessage(recipient, prologue, hex(ciphertext), toHex)
    if ('mismatch' in read) throw new Error(read.mismatch)
    expect(read.user).toBe(toHex(sender.publicKey))
    expect(toHex(read.payload)).toBe(payload)
    expect(toHex(read.hash)).toBe(vector.handshake_hash)
  })

  test('a sender nobody knows, another prologue, another recipient and a cut message are told apart or refused', () => {
    const message = hex(ciphertext)
    expect(readMessage(recipient, prologue, message, () => undefined)).toEqual({ mismatch: 'unknown-key' })
    expect(readMessage(recipient, hex('00'), message, toHex)).toEqual({ mismatch: 'forged' })
    expect(readMessage(sender, prologue, message, toHex)).toEqual({ mismatch: 'forged' })
    for (let length = 0; length < message.length; length++) {
      expect(readMessage(recipient, prologue, message.subarray(0, length), toHex)).toEqual({ mismatch: 'forged' })
    }
  })
})

// Points of small order and what is the same as one of them: the secret would be known to everybody.
test.each([
  ['0', '00'.repeat(32)],
  ['1', `01${'00'.repeat(31)}`],
  ['of order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
  ['of order 8, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
  ['p - 1', `ec${'ff'.repeat(30)}7f`],
  ['p', `ed${'ff'.repeat(30)}7f`],
  ['p + 1', `ee${'ff'.repeat(30)}7f`],
])('a public key that makes one secret with every key is refused: %s', (_, point) => {
  const pair = keyPairOf(new Uint8Array(32).fill(7))
  expect(sharedSecret(pair, hex(point))).toBeUndefined()
  expect(writeMessage(pair, pair, hex(point), new Uint8Array(), new Uint8Array())).toBeUndefined()
})
