// Goal: knocks are sent one after the other, family after family, round after round, and only as long as necessary.
import { describe, expect, test } from 'vitest'
import type { Knock } from '../config/config.ts'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import type { Request } from './arguments.ts'
import type { Destination } from './destination.ts'
import { ClientError } from './fault.ts'
import { knock as knockBy, type Outside } from './knock.ts'
import { PLAIN_REQUEST } from './request-fake.ts'
import { always } from './rounds.ts'

const FOUR: Destination = { family: 4, address: '192.0.2.1', source: undefined }
const SIX: Destination = { family: 6, address: '2001:db8::1', source: undefined }

const request: Request = {
  ...PLAIN_REQUEST,
  host: 'gate.example',
  knocks: [
    { protocol: TCP, port: 7 },
    { protocol: UDP, port: 8 },
  ],
}

const knock = async (asked: Request, outside: Outside): Promise<void> => knockBy(asked, always(asked.knocks), outside)

const refusal = (code: string): Error => Object.assign(new Error(code), { code })

/** An outside that writes down what happens, in order; `opens` is the round after which the port is open. */
class Diary implements Outside {
  readonly entries: string[] = []
  readonly #destinations: readonly Destination[]
  readonly #opens: number
  readonly #refused: ReadonlyMap<number, string>
  #looks = 0

  constructor(destinations: readonly Destination[], opens = 1, refused: readonly (readonly [number, string])[] = []) {
    this.#destinations = destinations
    this.#opens = opens
    this.#refused = new Map(refused)
  }

  resolve = async (): Promise<readonly Destination[]> => this.#destinations
  prepare: Outside['prepare'] = async () => undefined
  print = (line: string): void => void this.entries.push(line)
  pause = async (ms: number): Promise<void> => void this.entries.push(`pause ${ms}`)
  isOpen = async (port: number, at: readonly Destination[]): Promise<boolean> => {
    this.entries.push(`look ${port} at ${at.map(({ address }) => address).join(' ')}`)
    return ++this.#looks >= this.#opens
  }
  send = async ({ port }: { port: number }, { family, address }: Destination): Promise<void> => {
    const code = this.#refused.get(family)
    if (code !== undefined) throw refusal(code)
    this.entries.push(`begin ${address} ${port}`)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    this.entries.push(`end ${address} ${port}`)
  }
}

const looks = (diary: Diary): number => diary.entries.filter((entry) => entry.startsWith('look')).length
const rounds = (diary: Diary): number => diary.entries.filter((entry) => entry === 'begin 192.0.2.1 7').length

describe('knocks', () => {
  test('each begins when the one before has left, the second family after the first', async () => {
    const diary = new Diary([SIX, FOUR])
    await knock(request, diary)
    expect(diary.entries).toEqual([
      'begin 2001:db8::1 7',
      'end 2001:db8::1 7',
      'begin 2001:db8::1 8',
      'end 2001:db8::1 8',
      'begin 192.0.2.1 7',
      'end 192.0.2.1 7',
      'begin 192.0.2.1 8',
      'end 192.0.2.1 8',
    ])
  })

  test('are said as knockd’s knock says them, and paused between', async () => {
    const diary = new Diary([FOUR])
    await knock({ ...request, verbose: true, delayMs: 50 }, diary)
    expect(diary.entries.filter((entry) => !/^(begin|end)/.test(entry))).toEqual([
      'hitting tcp 192.0.2.1:7',
      'pause 50',
      'hitting udp 192.0.2.1:8',
    ])
  })

  test('skip a family that cannot be sent to', async () => {
    const diary = new Diary([SIX, FOUR], 1, [[6, 'ENETUNREACH']])
    await knock({ ...request, verify: 22 }, diary)
    expect(diary.entries.at(-1)).toBe('look 22 at 192.0.2.1')
  })

  test('fail when no family can be sent to, with the reason of the first', async () => {
    const diary = new Diary([SIX, FOUR], 1, [
      [6, 'ENETUNREACH'],
      [4, 'EPERM'],
    ])
    await expect(knock(request, diary)).rejects.toThrow('cannot send to gate.example: no route to its network')
    expect(diary.entries).toEqual([])
  })

  test('of which one cannot be sent from here are not begun, and use up no code', async () => {
    const diary = new Diary([FOUR])
    const refused = new ClientError('cannot send pings')
    diary.prepare = async (knocks) => {
      if (knocks.some(({ protocol }) => protocol === ICMP)) throw refused
    }
    let asked = 0
    const ping = { protocol: ICMP, port: 0, size: 41 } as const
    const count = async (): Promise<readonly Knock[]> => {
      asked++
      return [...request.knocks, ping]
    }
    await expect(knockBy({ ...request, knocks: [...request.knocks, ping] }, count, diary)).rejects.toBe(refused)
    expect(asked).toBe(0)
    // A published list may ask for a ping as well.
    await expect(knockBy({ ...request, knocks: [] }, count, diary)).rejects.toBe(refused)
    expect([asked, diary.entries]).toEqual([1, []])
  })

  test('do not hide a fault of the program', async () => {
    const diary = new Diary([FOUR])
    diary.send = async () => Promise.reject(new TypeError('a bug'))
    await expect(knock(request, diary)).rejects.toThrow(TypeError)
  })
})

describe('verifying', () => {
  test('knocks once when the port opens at once', async () => {
    const diary = new Diary([FOUR], 1)
    await knock({ ...request, verify: 22, retry: 5 }, diary)
    expect([rounds(diary), looks(diary)]).toEqual([1, 1])
  })

  test('knocks again until it is open', async () => {
    const diary = new Diary([FOUR], 3)
    await knock({ ...request, verify: 22, retry: 5 }, diary)
    expect([rounds(diary), looks(diary)]).toEqual([3, 3])
  })

  test('gives up after the last retry', async () => {
    const diary = new Diary([FOUR], 9)
    const outcome = knock({ ...request, verify: 22, retry: 2 }, diary)
    await expect(outcome).rejects.toThrow(ClientError)
    await expect(outcome).rejects.toThrow('tcp gate.example:22 is not open after 3 rounds of knocks')
    expect([rounds(diary), looks(diary)]).toEqual([3, 3])
  })

  test('what opens only once goes to one family, another in each round, and past one that has no route', async () => {
    const once: Request = { ...request, knockSource: { kind: 'code', code: '12345678' }, verify: 22, retry: 2 }
    const begun = (diary: Diary): readonly string[] => diary.entries.filter((entry) => /^(begin .* 7|look)/.test(entry))
    const both = new Diary([SIX, FOUR], 3)
    await knock(once, both)
    expect(begun(both)).toEqual([
      'begin 2001:db8::1 7',
      'look 22 at 2001:db8::1',
      'begin 192.0.2.1 7',
      'look 22 at 192.0.2.1',
      'begin 2001:db8::1 7',
      'look 22 at 2001:db8::1',
    ])
    const four = new Diary([SIX, FOUR], 1, [[6, 'ENETUNREACH']])
    await knock({ ...once, verify: undefined, retry: 0 }, four)
    expect(begun(four)).toEqual(['begin 192.0.2.1 7'])
  })
})
