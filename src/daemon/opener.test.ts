// Goal: a door opens as the config in force has it, and only once its secret is used up; nothing is said of opening before.
import { setImmediate as settled } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { Faults } from './faults.ts'
import type { Log } from './log/log.ts'
import { Opener } from './opener.ts'

const doorOf = (ports: string): Door =>
  readConfig(`[d]\nSequence = 7431,9123,8020\nOpen_Ports = ${ports}\n`, 'k').config!.doors[0]!

/** An opener whose surroundings note what is asked of them. */
class Around {
  readonly notes: string[] = []
  present: Door | undefined = doorOf('tcp/22')
  holder: string | undefined = 'mark'
  may = true
  opens = true

  readonly opener = new Opener({
    authenticators: {
      redeem: async ({ source, protocol, port }) => {
        const [door, holder] = [this.present, this.holder]
        const isRefused = door === undefined || holder === undefined
        return await Promise.resolve(
          isRefused ? { refused: undefined } : { door, source, ms: door.cmdTimeoutMs, holder, protocol, port },
        )
      },
    },
    guarding: {
      open: ({ opens }: Door, _: unknown, { opened }: { readonly opened?: () => void }) => {
        this.notes.push(`opens ${opens.map(({ first }) => first).join()}`)
        if (this.opens) opened?.()
        return this.opens
      },
    },
    openings: { open: async () => await Promise.resolve() },
    reconciler: { isStillMay: () => this.may, during: async (opening: Promise<void>) => await opening },
    log: {
      open: () => this.notes.push('OPEN SESAME'),
      notice: (_: string, text: string) => this.notes.push(text),
    } as unknown as Log,
    faults: new Faults((text) => this.notes.push(text)),
  })

  async claimed(): Promise<readonly string[]> {
    this.opener.claimed({ door: 'd', source: parseAddress('192.0.2.7')!, protocol: TCP, port: 1, proof: undefined })
    await settled()
    return this.notes
  }
}

test('a packet opens what it was judged for', async () => {
  const around = new Around()
  expect(await around.claimed()).toEqual(['opens 22', 'OPEN SESAME'])
})

test('a packet opens nothing that speaks against it since it was judged', async () => {
  const around = Object.assign(new Around(), { may: false })
  expect(await around.claimed()).toEqual([])
})

test('nothing is said of opening where the guard does not open', async () => {
  const around = new Around()
  around.opens = false
  expect(await around.claimed()).toEqual(['opens 22'])
})

test.each([
  ['used up already', { holder: undefined }],
  ['revoked', { may: false }],
  ['of a door that is gone', { present: undefined }],
])('a sequence that is %s opens nothing', async (_, state) => {
  expect(await Object.assign(new Around(), state).claimed()).toEqual([])
})
