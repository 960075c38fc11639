// Goal: a packet that was used is remembered for as long as any door would take it again, however many come to another door.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '../../../config/read.ts'
import { parseAddress } from '../../../packet/address.ts'
import { Packet, UDP } from '../../../packet/packet.ts'
import { SYSTEM_CLOCK } from '../../../secret/clock.ts'
import { WorkBudget } from '../../../secret/work-budget.ts'
import { DIGEST_DEFAULT } from '../digest.ts'
import { PROTOCOL_VERSION, encodeFields } from '../fields.ts'
import { sealRijndael } from '../packet.ts'
import { JournalLedger } from '../../../state/journal-ledger.ts'
import { HolderMarks } from '../../../secret/holder-marks.ts'
import { FwknopAuthenticator } from './fwknop-authenticator.ts'
import { DIGESTS_MAX } from './used-digests.ts'

const address = parseAddress('192.0.2.7')!
const key = Buffer.alloc(32, 1)
const hmac = { key: Buffer.alloc(32, 2), digest: DIGEST_DEFAULT }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-fwknops-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const nothing = (): void => undefined

const packet = (number: number): Uint8Array => {
  const fields = {
    random: `123456789012345${number}`,
    user: 'bob',
    timestamp: Math.floor(Date.now() / 1_000),
    version: PROTOCOL_VERSION,
    type: 1,
    message: '192.0.2.7,tcp/22',
    nat: undefined,
    serverAuth: undefined,
    timeoutS: 0,
  } as const
  return sealRijndael(encodeFields(fields, DIGEST_DEFAULT), { key, mode: 'cbc' }, hmac, Buffer.alloc(8, 3))
}

test('packets of a door that takes old ones are not forgotten for another door', async () => {
  const access = join(folder, 'access.conf')
  writeFileSync(
    access,
    `SOURCE ANY\nKEY_BASE64 ${key.toString('base64')}\nHMAC_KEY_BASE64 ${hmac.key.toString('base64')}\n`,
    { mode: 0o600 },
  )
  const door = (name: string, age: string): string =>
    `[${name}]\nSPA = fwknop\nAccess_File = ${access}\nOpen_Ports = tcp/22\nSPA_Max_Age = ${age}\n`
  const { config } = readConfig(`${door('short', '2m')}${door('long', '1h')}`, 'k')
  // Used ten minutes ago.
  const before = String(Math.floor(Date.now() / 1_000) - 600)
  const used = new Map(Array.from({ length: DIGESTS_MAX / 2 }, (_, index) => [`fwknop\n${index}`, before]))
  const store = {
    newest: (name: string) => used.get(name),
    advance: async (name: string, value: string) =>
      await Promise.resolve(!used.has(name) && used.set(name, value) === used),
    forget: async (name: string) => await Promise.resolve(void used.delete(name)),
    *keys(prefix: string) {
      yield* [...used.keys()].filter((name) => name.startsWith(prefix))
    },
    loss: undefined,
    acceptsLoss: () => false,
  }
  const redeemed: Promise<unknown>[] = []
  const fwknop: FwknopAuthenticator = new FwknopAuthenticator(
    {
      store,
      ledger: new JournalLedger({ ...store, used: async () => await Promise.resolve(false), wasUsed: () => false }),
      gate: { add: nothing, remove: nothing },
      log: { event: nothing, notice: nothing },
      clock: SYSTEM_CLOCK,
      claimed: (claim) => void redeemed.push(fwknop.redeem(claim)),
      isOwn: () => false,
      holdersChanged: nothing,
      needsChanged: nothing,
      marks: new HolderMarks(new Uint8Array(32).fill(1)),
    },
    new WorkBudget(() => 0),
  )
  fwknop.replace(config!.doors)
  await fwknop.close()
  const clock = vi.spyOn(performance, 'now')
  for (const number of [1, 2]) {
    clock.mockReturnValue(number * 2_000)
    const bytes = packet(number)
    const { a: sourceA } = address
    const received = { family: 4, protocol: UDP, port: 62_201, sourceA, payloadEnd: bytes.length } as const
    fwknop.offer(Object.assign(new Packet(), received), bytes)
    expect(await redeemed.at(-1)).toMatchObject({ door: { name: 'short' } })
  }
  clock.mockRestore()
  expect(redeemed.length).toBe(2)
  expect(used.has('fwknop\n0')).toBe(true)
})
