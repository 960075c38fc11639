// Goal: what the command seals, a page opens, and nobody else; a code in the browser is the code of the RFC, and of oathtool; the page stays
// small, reaches one host, and says the right thing of a clock; a service worker knows its files.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { gzipSync, inflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase32 } from '../../totp/base32.ts'
import { codeOf as nodeCodeOf, periodAt } from '../../totp/code.ts'
import { ALGORITHMS } from '../../totp/secret.ts'
import { readKnockHost } from '../knock-host.ts'
import { appFilesOf, appOf } from './app.ts'
import { readPageAssets } from './assets.ts'
import { cipherOf } from './browser/client/cipher.ts'
import { codeOf } from './browser/client/code.ts'
import { fragmentIn } from './browser/client/fragment.ts'
import { clockOf, clockWords } from './browser/client/server-clock.ts'
import { Sent } from './browser/client/sent.ts'
import { renderClientPage } from './client-page.ts'
import { iconPng } from './icon-png.ts'
import { NODE_CIPHER } from './node-cipher.ts'
import { weaknessOf } from './passphrase-strength.ts'
import * as sealing from './sealed.ts'

/** Cheap on purpose: it is the lowest one that is opened. */
const WORK_FACTOR = 10
const BROWSER_CIPHER = cipherOf(() => undefined)
const HOST = readKnockHost('gate.example.org')!
const DIST = new URL('../../../dist/publish/page/', import.meta.url)

describe('a sealed text', () => {
  const { sealed, key } = sealing.seal('the secret', NODE_CIPHER)
  const locked = async (): Promise<sealing.Sealed> =>
    sealing.withSlot(sealed, await sealing.passphraseSlot(key, 'Größe 1', NODE_CIPHER, WORK_FACTOR))

  test('opens in the browser by its passphrase, however a keyboard writes it, and by no other one', async () => {
    const read = sealing.parseSealed(sealing.formatSealed(await locked()))!
    const found = (await sealing.keyByPassphrase(read, 'Gro\u0308ße 1', BROWSER_CIPHER))!
    expect(sealing.unseal(read, found, BROWSER_CIPHER)).toBe('the secret')
    expect(await sealing.keyByPassphrase(read, 'größe 1', BROWSER_CIPHER)).toBeUndefined()
    expect(await sealing.keyByPassphrase(sealed, 'Größe 1', BROWSER_CIPHER)).toBeUndefined()
  })

  test('opens by a passkey, beside the passphrase', async () => {
    const salt = sealing.prfSalt(BROWSER_CIPHER)
    const output = BROWSER_CIPHER.random(32)
    const slot = sealing.passkeySlot(key, { credential: Uint8Array.of(1, 2), salt, output }, BROWSER_CIPHER)
    const read = sealing.parseSealed(sealing.formatSealed(sealing.withSlot(await locked(), slot)))!
    expect(read.slots.map(({ kind }) => kind)).toEqual(['passphrase', 'passkey'])
    expect(sealing.keyByPasskey(read.slots[1]!, output, NODE_CIPHER)).toEqual(key)
    expect(sealing.keyByPasskey(read.slots[1]!, BROWSER_CIPHER.random(32), NODE_CIPHER)).toBeUndefined()
  })

  test('has one passphrase and a bounded number of passkeys', async () => {
    let many = await locked()
    for (let count = 0; count < 20; count++) {
      const terms = { credential: Uint8Array.of(count), salt: NODE_CIPHER.random(32), output: NODE_CIPHER.random(32) }
      many = sealing.withSlot(many, sealing.passkeySlot(key, terms, NODE_CIPHER))
    }
    many = sealing.withSlot(many, await sealing.passphraseSlot(key, 'another', NODE_CIPHER, WORK_FACTOR))
    expect(many.slots).toHaveLength(sealing.SLOTS_MAX)
    expect(many.slots.filter(({ kind }) => kind === 'passphrase')).toHaveLength(1)
    expect(sealing.parseSealed(sealing.formatSealed(many))).toEqual(many)
  })

  test('that was changed does not open, and other texts are none', async () => {
    const text = sealing.formatSealed(await locked())
    const { box } = sealed
    const changed = { ...sealed, box: box.with(0, box[0]! ^ 1) }
    expect(sealing.unseal(changed, key, BROWSER_CIPHER)).toBeUndefined()
    expect(sealing.unseal(changed, key, NODE_CIPHER)).toBeUndefined()
    for (const bad of [
      '',
      'x',
      text.replace('-1 ', '-2 '),
      text.replace(':10:', ':21:'),
      text.replace(':10:', ':9:'),
      `${text} `,
      `${text}x`,
      `${text}:AA`,
    ]) {
      expect(sealing.parseSealed(bad)).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), (any) => sealing.parseSealed(any) === undefined))
  })
})

const secrets = fc.record({
  key: fc.uint8Array({ minLength: 16, maxLength: 128 }),
  algorithm: fc.constantFrom(...ALGORITHMS),
  digits: fc.integer({ min: 6, max: 8 }),
  periodS: fc.integer({ min: 5, max: 3_600 }),
})
const times = fc.integer({ min: 0, max: 20_000_000_000 })

test('a code in the browser is the one that the daemon computes', () => {
  fc.assert(
    fc.property(secrets, times, (secret, seconds) => {
      const period = periodAt(secret, seconds * 1_000)
      expect(codeOf(secret, period)).toBe(nodeCodeOf(secret, period))
    }),
  )
})

test.skipIf(spawnSync('oathtool', ['--version']).status !== 0)('oathtool agrees with every code', () => {
  fc.assert(
    fc.property(secrets, fc.integer({ min: 1, max: 2_000_000_000 }), (secret, seconds) => {
      const words = [
        `--totp=${secret.algorithm.toLowerCase()}`,
        `--digits=${secret.digits}`,
        `--time-step-size=${secret.periodS}s`,
        `--now=@${seconds}`,
      ]
      const said = execFileSync('oathtool', [...words, '--base32', toBase32(secret.key)], { encoding: 'utf8' }).trim()
      expect(codeOf(secret, periodAt(secret, seconds * 1_000))).toBe(said)
    }),
    { numRuns: 30 },
  )
})

const render = async (script: 'client.js' | 'client-with-lists.js', door = 'ssh'): Promise<string> =>
  renderClientPage(
    { door, user: 'alice', host: HOST, sealed: 'x'.repeat(600), files: appFilesOf('ssh.html') },
    await readPageAssets(script, DIST),
  )
const hash = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

describe.runIf(existsSync(DIST))('the page', () => {
  test('is below 60 kB compressed, and 110 with age', async () => {
    expect(gzipSync(await render('client.js')).length).toBeLessThan(60_000)
    expect(gzipSync(await render('client-with-lists.js')).length).toBeLessThan(110_000)
    expect(await render('client.js')).not.toContain('age-encryption')
  })

  test('reaches its own server and one host, and runs its own script', async () => {
    const page = await render('client.js', '<img src=x onerror=alert(1)>')
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page)!
    expect(policy).toContain('connect-src &#39;self&#39; http://gate.example.org:* https://gate.example.org:*;')
    expect(policy).not.toMatch(/unsafe|\s\*(;|$)/)
    expect(page).not.toContain('<img')
    expect(page.match(/<script/g)).toHaveLength(1)
  })
})

describe.runIf(existsSync(DIST))('the app', () => {
  test('knows its files by their hashes, and its worker changes with them', async () => {
    const files = appFilesOf('my page.html')
    const worker = async (page: string): Promise<string> =>
      String((await appOf(files, 'ssh', page, DIST)).get(files.worker))
    const app = await appOf(files, 'ssh', 'one', DIST)
    expect([...app.keys()].at(-1)).toBe('my page.html')
    const terms = JSON.parse(/^const APP = (.*)\n/.exec(await worker('one'))![1]!)
    expect(terms.files).toEqual({
      'my%20page-icon.png': hash(app.get(files.icon)!),
      'my%20page.webmanifest': hash(app.get(files.manifest)!),
      'my%20page.html': hash('one'),
    })
    expect(await worker('one')).toBe(await worker('one'))
    expect(await worker('two')).not.toBe(await worker('one'))
  })

  test('has an icon that is a PNG of the size that it says', () => {
    const png = Buffer.from(iconPng())
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([512, 512])
    const length = png.readUInt32BE(33)
    expect(inflateSync(png.subarray(41, 41 + length))).toHaveLength(512 * (1 + 3 * 512))
  })
})

describe('the clock', () => {
  const AT = Date.UTC(2026, 10, 22, 10)
  const header = new Date(AT).toUTCString()

  test('of a server is compared by the middle of the answer', () => {
    expect(clockOf(header, null, AT - 60_000, AT - 59_000)).toEqual({ offMs: 60_000, withinMs: 1_000 })
    expect(clockOf(header, '30', AT, AT)).toEqual({ offMs: 30_500, withinMs: 1_500 })
    const bad = ['Thu, 01 Jan 1801 00:00:00 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Sat, 13 Sep 275760 00:00:00 GMT']
    for (const each of [null, '', 'yesterday', ...bad]) expect(clockOf(each, null, AT, AT)).toBeUndefined()
  })

  test('that is off is told, with what that does to codes', () => {
    expect(clockWords({ offMs: 2_000, withinMs: 600 }, 30)).toBeUndefined()
    expect(clockWords({ offMs: 60_000, withinMs: 600 }, 30)?.join(' ')).toMatch(/60 seconds slow.*refuse codes/)
    expect(clockWords({ offMs: -9_000, withinMs: 600 }, 30)?.join(' ')).toMatch(/9 seconds fast.*may refuse some/)
    expect(clockWords({ offMs: -7_200_000, withinMs: 600 }, 30)?.join(' ')).toMatch(/2 hours fast/)
  })
})

test('what was sent is remembered, by a bounded number of marks, whatever the storage has', () => {
  const items = new Map<string, string>()
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => void items.set(key, text),
    removeItem: (key: string) => void items.delete(key),
  }
  const one = new Sent(storage, 'key')
  for (let period = 0; period < 40; period++) one.add(String(period))
  expect(items.get('key')!.split(' ')).toHaveLength(16)
  expect([new Sent(storage, 'key').has('39'), new Sent(storage, 'key').has('3')]).toEqual([true, false])
  items.set('key', `<script> ${'x'.repeat(10_000)}`)
  expect(new Sent(storage, 'key').has('<script>')).toBe(false)
  const without = new Sent(undefined, 'key')
  without.add('7')
  expect(without.has('7')).toBe(true)
})

test('a link, its fragment, and weak passphrases', () => {
  expect([' https://gate/x.html#v=1&h=g ', 'v=1&h=g'].map(fragmentIn)).toEqual(['v=1&h=g', 'v=1&h=g'])
  expect(weaknessOf('correct horse battery staple')).toBeUndefined()
  expect(weaknessOf('hunter2')).toMatch(/short/)
  expect(weaknessOf('0123 4567 8901 2345')).toMatch(/digits alone/)
  expect(weaknessOf('aaaaaaaaaaaaaaaa')).toMatch(/few characters/)
})
