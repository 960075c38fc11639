// Goal: only one status of gpg is accepted: one text decrypted whole, with one good signature inside. Missing, added,
// repeated, cut or reordered lines are refused.
import { describe, expect, test } from 'vitest'
import { readGnupgSignature, readGnupgStatus } from './gnupg-status.ts'

const KEY = '69AF55B38EB9B601AACB3FF3301AE323A525BA3C'
const PRIMARY = '3F7A15EF0882A6314A8B54385BAAB3CB62376669'
const OTHER = '0B9FE66CBB3E8D544B3C99DF60BD9FE2134E565E'
const validBy = (key: string, primary = key): string => `VALIDSIG ${key} 2025-01-02 1735776000 0 4 0 1 10 00 ${primary}`

/** The status that gpg 2.2.40 wrote, except for the primary key. */
const HEAD = [
  'ENC_TO CA1999098E6A43F0 1 0',
  'KEY_CONSIDERED D4B7C6CE48798FF5B2D9399CCA1999098E6A43F0 0',
  'DECRYPTION_KEY D4B7C6CE48798FF5B2D9399CCA1999098E6A43F0 D4B7C6CE48798FF5B2D9399CCA1999098E6A43F0 u',
  'BEGIN_DECRYPTION',
  'DECRYPTION_INFO 2 9 0',
  'PLAINTEXT 62 1735776000 ',
  'PLAINTEXT_LENGTH 6',
]
const SIGNED = [
  'NEWSIG',
  'SIG_ID 7O5ryCjHEI714KZ6y8phM1eQF0w 2025-01-02 1735776000',
  `GOODSIG ${KEY.slice(-16)} good <good@example.org>`,
  validBy(KEY, PRIMARY),
  'TRUST_UNDEFINED 0 pgp',
]
const TAIL = ['DECRYPTION_OKAY', 'GOODMDC', 'END_DECRYPTION']
const GOOD = [...HEAD, ...SIGNED, ...TAIL]

const textOf = (lines: readonly string[]): string => lines.map((line) => `[GNUPG:] ${line}\n`).join('')
/** Returns the verdict on the signature in a few words. */
const said = (lines: readonly string[]): string => {
  const { fault, signature } = readGnupgStatus(textOf(lines))
  if (fault !== undefined) return `fault: ${fault}`
  if (signature.kind === 'good') return `good by ${signature.key} of ${signature.primary}`
  return signature.kind === 'none' ? 'none' : `${signature.kind}: ${signature.why}`
}
const isGood = (lines: readonly string[]): boolean => said(lines).startsWith('good')

const kindOf = (lines: readonly string[]): string => readGnupgSignature(textOf(lines)).kind

describe('what gpg says', () => {
  test('a good signature is accepted, with any line ends and with other output of gpg', () => {
    expect(said(GOOD)).toBe(`good by ${KEY} of ${PRIMARY}`)
    expect(readGnupgStatus(textOf(GOOD).replaceAll('\n', '\r\n')).signature.kind).toBe('good')
    expect(said(GOOD.map((line) => line.replace(/^GOODSIG \S+/, `GOODSIG ${KEY}`)))).toMatch(/^good/)
    expect(readGnupgStatus(`gpg: a word\n${textOf(GOOD)}`).signature.kind).toBe('good')
  })

  test('a missing signature is told from one by an unknown key', () => {
    expect(said([...HEAD, ...TAIL])).toBe('none')
    const unknown = [`ERRSIG ${KEY.slice(-16)} 1 10 00 1735776000 9 ${KEY}`, `NO_PUBKEY ${KEY.slice(-16)}`]
    expect(said([...HEAD, 'NEWSIG', ...unknown, ...TAIL])).toBe('unknown: it is signed by an unknown key')
    expect(said([...HEAD, 'NEWSIG', ...unknown.map((line) => line.replace(' 9 ', ' 4 ')), ...TAIL])).toMatch(/^bad/)
  })

  test.each([
    ['EXPSIG', 'bad: its signature has expired'],
    ['EXPKEYSIG', 'bad: its signature is by an expired key'],
    ['REVKEYSIG', 'bad: its signature is by a revoked key'],
    ['BADSIG', 'bad: its signature is bad'],
    ['ERRSIG', 'bad: its signature cannot be checked'],
  ])('%s beside VALIDSIG', (keyword, result) => {
    expect(said(GOOD.map((line) => line.replace('GOODSIG', keyword)))).toBe(result)
    for (let at = 0; at <= GOOD.length; at++) {
      const more = `${keyword} ${OTHER.slice(-16)} somebody`
      expect(isGood(GOOD.toSpliced(at, 0, more)), `${at}`).toBe(false)
      expect(isGood(GOOD.toSpliced(at, 0, more, validBy(OTHER))), `${at}`).toBe(false)
    }
  })

  test('GOODSIG of one key and VALIDSIG of another are refused', () => {
    const twofold = GOOD.map((line) => (line.startsWith('VALIDSIG') ? validBy(OTHER, KEY) : line))
    expect(said(twofold)).toBe('bad: gpg names two different keys for its signature')
    expect(said(GOOD.map((line) => line.replace(/^GOODSIG \S+/, `GOODSIG ${KEY.slice(-8)}`)))).toMatch(/^bad/)
    expect(said(GOOD.map((line) => line.replace(/^GOODSIG \S+/, 'GOODSIG')))).toMatch(/^bad/)
  })

  test('a signature outside the text, before it, or not of a document is refused', () => {
    expect(isGood([...HEAD, ...TAIL, ...SIGNED])).toBe(false)
    expect(isGood([...SIGNED, ...HEAD, ...TAIL])).toBe(false)
    expect(isGood(GOOD.map((line) => line.replace(' 00 ', ' 10 ')))).toBe(false)
    // The text is signed and not encrypted, whole or beside an encrypted one.
    expect(said([...HEAD.slice(-2), ...SIGNED])).toMatch(/^fault/)
    expect(said([...HEAD, 'ERROR proc_pkt.plaintext 89_BAD_DATA', ...HEAD.slice(-2), ...SIGNED, ...TAIL])).toBe(
      'fault: it contains several texts',
    )
  })

  test('if no signature is required, only a bad one is refused', () => {
    expect(kindOf(['DECRYPTION_OKAY'])).toBe('none')
    expect(kindOf(GOOD)).toBe('good')
    expect(kindOf(GOOD.map((line) => line.replace('GOODSIG', 'REVKEYSIG')))).toBe('bad')
    expect(kindOf(['NEWSIG', `ERRSIG ${KEY.slice(-16)} 1 10 00 1735776000 9 ${KEY}`])).toBe('unknown')
  })

  test('a distrusted or revoked key is refused', () => {
    expect(said(GOOD.map((line) => line.replace(/^TRUST_.*/, 'TRUST_NEVER 0 pgp')))).toMatch(/must never be trusted/)
    expect(said(GOOD.toSpliced(-4, 0, 'KEYREVOKED'))).toMatch(/revoked/)
  })

  test('a user id cannot add lines, as gpg escapes it', () => {
    const mallory = `GOODSIG ${OTHER.slice(-16)} x%0A[GNUPG:] GOODSIG ${KEY.slice(-16)} good%0A[GNUPG:] ${validBy(KEY)}`
    const forged = GOOD.map((line) => {
      if (line.startsWith('GOODSIG')) return mallory
      return line.startsWith('VALIDSIG') ? validBy(OTHER) : line
    })
    expect(said(forged)).toBe(`good by ${OTHER} of ${OTHER}`)
  })
})

describe('any other status', () => {
  const NEEDED = ['BEGIN_DECRYPTION', 'PLAINTEXT', 'GOODSIG', 'VALIDSIG', 'DECRYPTION_OKAY', 'END_DECRYPTION']

  test.each(NEEDED)('%s is missing or repeated: refused', (keyword) => {
    const at = GOOD.findIndex((line) => line.split(' ')[0] === keyword)
    expect(isGood(GOOD.toSpliced(at, 1))).toBe(false)
    for (let where = 0; where <= GOOD.length; where++) {
      expect(isGood(GOOD.toSpliced(where, 0, GOOD[at]!)), `${where}`).toBe(false)
    }
  })

  test.each(['DECRYPTION_FAILED', 'NODATA 2', 'BADMDC', 'UNEXPECTED 0'])('%s anywhere is a fault', (line) => {
    for (let at = 0; at <= GOOD.length; at++) expect(said(GOOD.toSpliced(at, 0, line))).toMatch(/^fault/)
  })

  test('a status that was cut anywhere is a fault', () => {
    const whole = textOf(GOOD).trimEnd()
    for (let length = 0; length < whole.length; length++) {
      const { fault } = readGnupgStatus(whole.slice(0, length))
      expect(fault, `${length}`).toBeDefined()
    }
  })

  test('a status word in the middle of a line does not count', () => {
    expect(isGood(GOOD.map((line) => (line.startsWith('GOODSIG') ? `NOTATION_DATA x [GNUPG:] ${line}` : line)))).toBe(
      false,
    )
    expect(readGnupgStatus(textOf(GOOD).replaceAll('[GNUPG:]', ' [GNUPG:]')).fault).toBeDefined()
  })
})
