import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { realDisk } from '../state/disk.ts'
import { STORE_AGAIN_MS, SignedDocument } from './document.ts'
import { readHosts } from './hosts.ts'
import type { HostsDocument } from './hosts.ts'
import type { LeastVersion } from './least-versions.ts'
import { signText } from './signed.ts'

const ALICE = generateKeyPairSync('ed25519')
const PLACE = '/postern/home/doc/hosts'

function text(version: number, hosts: HostsDocument['hosts'] = [], key = ALICE.privateKey): string {
  return signText(PLACE, { version, hosts }, { name: 'alice', key })
}

let folder: string
let time: number
beforeEach(() => {
  time = 0
  folder = mkdtempSync(join(tmpdir(), 'document-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function host(
  prepare: (next: HostsDocument) => Promise<void> = () => Promise.resolve(),
  disk = realDisk,
  least: LeastVersion = { version: 0, raise: () => undefined },
  keyOf: (name: string) => KeyObject | undefined = (name) => (name === 'alice' ? ALICE.publicKey : undefined),
) {
  const inForce: number[] = []
  const lines: string[] = []
  const document = new SignedDocument<HostsDocument>({
    what: 'the hosts of the fleet',
    place: PLACE,
    path: join(folder, 'hosts.signed'),
    keyOf,
    read: readHosts,
    prepare: async (next) => {
      await prepare(next)
      return () => inForce.push(next.version)
    },
    restored: ({ version }) => inForce.push(version),
    log: { notice: (level, line) => lines.push(`${level}: ${line}`) },
    steady: () => time,
    disk,
    least,
  })
  return { document, inForce, lines }
}

test('the newest document is in force, and after a restart without etcd, too', async () => {
  const first = host()
  await first.document.offer(text(1))
  await first.document.offer(text(3))
  expect(first.document.status).toEqual({ version: 3, by: 'alice', refused: undefined })
  const again = host()
  again.document.load()
  expect(again.document.present?.version).toBe(3)
  expect(again.inForce).toEqual([3])
})

test('an older version is refused, also after a restart, and said once', async () => {
  const first = host()
  await first.document.offer(text(3))
  const again = host()
  again.document.load()
  await again.document.offer(text(2))
  await again.document.offer(text(2))
  expect(again.document.status).toMatchObject({ version: 3, refused: 'version 2 is older than 3, which is in force' })
  expect(again.lines.filter((line) => line.startsWith('error'))).toHaveLength(1)
})

test('another content under the same version is refused', async () => {
  const { document } = host()
  await document.offer(text(3))
  await document.offer(text(3, [{ name: 'web1', groups: [], key: ALICE.publicKey.export({ format: 'jwk' }).x! }]))
  expect(document.status.version).toBe(3)
  expect(document.status.refused).toBeDefined()
})

test('what nobody of the operators signed is refused', async () => {
  const { document, lines } = host()
  await document.offer(text(9, [], generateKeyPairSync('ed25519').privateKey))
  await document.offer('{}')
  expect(document.present).toBeUndefined()
  expect(lines).toHaveLength(2)
})

test('a document that cannot be put in force leaves the previous one, on disk as well', async () => {
  const { document, inForce } = host(async ({ version }) => {
    if (version === 2) throw new Error('a file has an error')
    await Promise.resolve()
  })
  await document.offer(text(1))
  await document.offer(text(2))
  expect(inForce).toEqual([1])
  expect(document.status).toMatchObject({ version: 1, refused: 'a file has an error' })
  expect(readFileSync(join(folder, 'hosts.signed'), 'utf8')).toBe(text(1))
})

test('an operator who is removed while a document is prepared has signed nothing', async () => {
  let key: KeyObject | undefined = ALICE.publicKey
  const remove = (): Promise<void> => Promise.resolve().then(() => (key = undefined))
  const { document, inForce } = host(remove, realDisk, undefined, () => key)
  await document.offer(text(1))
  expect(inForce).toEqual([])
  expect(document.status).toMatchObject({ version: undefined, refused: expect.any(String) as string })
  expect(readdirSync(folder)).toEqual([])
})

test('of texts that come while another is put in force, only the newest counts', async () => {
  const { document, inForce } = host(async () => await setImmediate())
  await Promise.all([document.offer(text(1)), document.offer(text(2)), document.offer(text(3))])
  expect(inForce).toEqual([1, 3])
})

test('a damaged file is said, and the next text replaces it', async () => {
  writeFileSync(join(folder, 'hosts.signed'), '{', { mode: 0o600 })
  const { document, lines } = host()
  document.load()
  expect(lines[0]).toContain('the text in etcd replaces it')
  await document.offer(text(1))
  expect(document.present?.version).toBe(1)
})

test('a removal that came while the disk was full is in force when it is not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let isFull = true
    const create: typeof realDisk.create = async (path) => {
      if (isFull) throw new Error('no space left on device')
      return await realDisk.create(path)
    }
    const { document } = host(undefined, { ...realDisk, create })
    await document.offer(text(1))
    expect(document.status).toMatchObject({ version: undefined, refused: 'no space left on device' })
    isFull = false
    vi.advanceTimersByTime(STORE_AGAIN_MS)
    while (document.present === undefined) await setImmediate()
    expect(document.status).toMatchObject({ version: 1, refused: undefined })
    isFull = true
    await document.offer(text(2))
    document.close()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('the same document in other words is no other version: anyone can write its signature differently', async () => {
  const { document, inForce } = host()
  const signed = text(3)
  await document.offer(signed)
  await document.offer(`${signed} `)
  expect(document.status).toEqual({ version: 3, by: 'alice', refused: undefined })
  expect(inForce).toEqual([3])
})

/** The lowest version, which outlives the document's file. */
function leastOf(version: number): { version: number; raise(version: number): void } {
  return {
    version,
    raise(next) {
      this.version = Math.max(this.version, next)
    },
  }
}

test('a host that lost its file, or joined at a version, takes no older one', async () => {
  const least = leastOf(2)
  const first = host(undefined, undefined, least)
  await first.document.offer(text(1))
  expect(first.document.status).toMatchObject({
    version: undefined,
    refused: 'version 1 is older than 2, which this host had, or with which it joined',
  })
  await first.document.offer(text(5))
  expect([first.inForce, least.version]).toEqual([[5], 5])
  rmSync(join(folder, 'hosts.signed'))
  const again = host(undefined, undefined, least)
  expect(again.document.load()).toBe(true)
  await again.document.offer(text(4))
  expect(again.document.present).toBeUndefined()
  await again.document.offer(text(5))
  expect(again.document.present?.version).toBe(5)
})

test('an older file that somebody restored is not in force', async () => {
  await host().document.offer(text(3))
  const restored = host(undefined, undefined, leastOf(4))
  expect(restored.document.load()).toBe(false)
  expect(restored.document.present).toBeUndefined()
  expect(restored.inForce).toEqual([])
  expect(restored.lines[0]).toContain('version 3 is older than 4, which this host had')
})

test('a file from before versions were noted raises the lowest version', async () => {
  await host().document.offer(text(3))
  const least = leastOf(0)
  expect(host(undefined, undefined, least).document.load()).toBe(true)
  expect(least.version).toBe(3)
})

test('texts that no operator signed take the turn of none that waits, and the last one is checked in the end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const gate = new EventEmitter()
    const released = once(gate, 'open')
    const { document, inForce } = host(async ({ version }) => {
      if (version === 1) await released
    })
    const first = document.offer(text(1))
    const second = document.offer(text(2))
    for (let count = 0; count < 200; count++) expect(await document.offer(`garbage ${count}`)).toBe(false)
    gate.emit('open')
    await Promise.all([first, second])
    expect(inForce).toEqual([1, 2])
    // The budget of checks is used up.
    expect(await document.offer(text(3))).toBe(false)
    expect(inForce).toEqual([1, 2])
    time = 1_000
    await vi.advanceTimersByTimeAsync(1_000)
    while (inForce.length < 3) await setImmediate()
    expect(document.present?.version).toBe(3)
  } finally {
    vi.useRealTimers()
  }
})
