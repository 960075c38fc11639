// Goal: a SYN tells its port to anyone with the keys and the counter, and nothing once its counter has passed. The
// files of a profile are read as the original writes them.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCounter, formatProfileConfig, formatProfileKey, readCounter } from './profile.ts'
import { readProfileConfig, readProfileKey } from './profile.ts'
import { COUNTER_MAX, decodeSyn, encodeSyn } from './syn.ts'
import type { SynFields } from './syn.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

const fixture = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/spa/knockknock.json', import.meta.url), 'utf8'),
) as {
  readonly cipherKey: string
  readonly macKey: string
  readonly vectors: readonly (SynFields & { readonly port: number; readonly counter: number })[]
}
const keys = { cipherKey: hex(fixture.cipherKey), macKey: hex(fixture.macKey) }

test.each(fixture.vectors)('port $port, counter $counter', ({ port, counter, ...fields }) => {
  expect(encodeSyn(port, keys, counter)).toEqual(fields)
  expect(decodeSyn(fields, keys, counter, 1)).toEqual({ port, counter })
})

const ports = fc.integer({ min: 1, max: 65_535 })
const counters = fc.integer({ min: 0, max: COUNTER_MAX })

test('lost packets within the window are skipped, and an old packet opens nothing', () => {
  fc.assert(
    fc.property(ports, counters, fc.integer({ min: 0, max: 40 }), (port, counter, ahead) => {
      const sent = Math.min(counter + ahead, COUNTER_MAX)
      const fields = encodeSyn(port, keys, sent)
      const expected = sent - counter < 20 ? { port, counter: sent } : undefined
      expect(decodeSyn(fields, keys, counter, 20)).toEqual(expected)
      expect(decodeSyn(fields, keys, sent + 1, 20)).toBeUndefined()
    }),
  )
})

test('signed words, which a packet decoder returns, give the same result', () => {
  const fields = encodeSyn(22, keys, 7)
  const signed = { ...fields, sequence: fields.sequence | 0, acknowledgment: fields.acknowledgment | 0 }
  expect(decodeSyn(signed, keys, 7, 1)).toEqual({ port: 22, counter: 7 })
})

test('a SYN with a changed bit is refused, and other keys open nothing', () => {
  const fields = encodeSyn(22, keys, 7)
  const widths = { identification: 16, sequence: 32, acknowledgment: 32, window: 16 } as const
  for (const [name, width] of Object.entries(widths) as [keyof SynFields, number][]) {
    for (let bit = 0; bit < width; bit++) {
      expect(decodeSyn({ ...fields, [name]: fields[name] ^ (1 << bit) }, keys, 7, 20)).toBeUndefined()
    }
  }
  expect(decodeSyn(fields, { ...keys, macKey: keys.cipherKey }, 7, 20)).toBeUndefined()
  expect(decodeSyn(fields, { ...keys, cipherKey: keys.macKey }, 7, 20)).toBeUndefined()
})

test('ordinary SYNs are refused', () => {
  for (let round = 0; round < 2_000; round++) {
    const noise = randomBytes(12)
    const fields: SynFields = {
      identification: noise.readUInt16BE(0),
      sequence: noise.readUInt32BE(2),
      acknowledgment: 0,
      window: noise.readUInt16BE(10),
    }
    expect(decodeSyn(fields, keys, 0, 20)).toBeUndefined()
  }
})

describe('the files of a profile', () => {
  test('written files can be read', () => {
    const key = randomBytes(16)
    expect(formatProfileKey(key)).toBe(`${key.toString('base64')}\n`)
    expect(readProfileKey(formatProfileKey(key))).toEqual({ value: new Uint8Array(key) })
    fc.assert(
      fc.property(counters, ports, (counter, port) => {
        expect(readCounter(formatCounter(counter))).toEqual({ value: counter })
        expect(readProfileConfig(formatProfileConfig(port))).toEqual({ value: port })
      }),
    )
    // The key is the same without its padding.
    expect(readProfileKey('A'.repeat(22))).toEqual({ value: new Uint8Array(16) })
  })

  test.each(['', 'AAAA', 'A'.repeat(23), 'A'.repeat(24), '%'])('%j is not a key', (text) => {
    expect(readProfileKey(text)).toHaveProperty('message')
  })

  test.each(['', '-1', '4294967296', '1.5', '0x1', '1 2'])('%j is not a counter', (text) => {
    expect(readCounter(text)).toHaveProperty('message')
  })

  test('a config is read as ConfigParser does', () => {
    expect(readProfileConfig('# x\n[main]\nKnock_Port: 666 ; here\n')).toEqual({ value: 666 })
    for (const text of [
      '',
      'knock_port = 666',
      '[other]\nknock_port = 666',
      '[main]\nknock_port = 0',
      '[main]\nknock_port = 65536',
    ]) {
      expect(readProfileConfig(text)).toMatchObject({ message: 'has no knock port' })
    }
  })
})
