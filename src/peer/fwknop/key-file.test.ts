// Goal: a file of keys has only keys: a file that somebody made for another server can run nothing there.
import { describe, expect, test } from 'vitest'
import { readKeys } from './key-file.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const HMAC = Buffer.alloc(64, 9).toString('base64')
const KEYS = `KEY_BASE64: ${KEY}\nHMAC_KEY_BASE64: ${HMAC}\n`

/** Returns `LINE: MESSAGE` of each fault. */
const faults = (text: string): readonly string[] =>
  readKeys(text).faults.map(({ line, message }) => `${line}: ${message}`)

test('keys are read as fwknop prints them, with the words around them', () => {
  expect(faults(KEYS)).toEqual([])
  expect(readKeys(KEYS).stanzas).toMatchObject([{ sources: [], hmac: { digest: 'sha256' }, commands: undefined }])
  expect(readKeys(`[*] a word\n\n${KEYS}`).stanzas).toHaveLength(1)
  expect(faults('')).toEqual(['1: there is no stanza'])
})

test('faults have the line of the file', () => {
  expect(faults(`${KEYS}KEY_BSAE64 x\n`)).toEqual(['3: unknown directive `KEY_BSAE64`'])
  expect(faults('KEY_BASE64: !\n')).toEqual(['1: KEY_BASE64: the key is not base64'])
})

describe('a directive that runs something is refused, and so are the keys', () => {
  test.each([
    ['ENABLE_CMD_EXEC Y', 'ENABLE_CMD_EXEC'],
    ['ENABLE_CMD_EXEC: Y\nCMD_EXEC_USER root', 'ENABLE_CMD_EXEC'],
    ['CMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE NONE', 'CMD_CYCLE_OPEN'],
    [' SOURCE ANY\nKEY other\nHMAC_KEY another\nENABLE_CMD_EXEC Y', 'ENABLE_CMD_EXEC'],
  ])('%j', (more, name) => {
    const text = `${KEYS}${more}\n`
    const line = text.split('\n').findIndex((each) => each.includes(name)) + 1
    expect(readKeys(text).stanzas).toEqual([])
    expect(faults(text)).toContain(`${line}: ${name} does not belong in a file of keys`)
    expect(readKeys(text).faults.some(({ severity }) => severity === 'error')).toBe(true)
  })

  test('a directive that disables commands is accepted', () => {
    expect(readKeys(`${KEYS}ENABLE_CMD_EXEC N\n`).stanzas).toHaveLength(1)
  })
})
