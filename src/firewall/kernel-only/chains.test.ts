// Goal: the rules, applied packet by packet, open a door only for the knocks of that door. No scan of all ports opens
// one, in any order. Only the rules that set a source back prevent it.
import { expect, test } from 'vitest'
import { SLOW } from '../../../test/slow.ts'
import type { Knock, Service } from '../../config/config.ts'
import { parseAddress } from '../../packet/address.ts'
import { parseNetwork } from '../../packet/network.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { KNOCK, knockChains } from './chains.ts'
import type { Knocking, Rule } from './chains.ts'
import type { KernelDoor, KernelPlan } from './plan.ts'

const SCANS = SLOW ? 200 : 3
const WALKS = SLOW ? 20_000 : 800
const PORTS = 65_535

const tcp = (port: number): Knock => ({ protocol: TCP, port })
const ssh: Service = { protocol: TCP, first: 22, last: 22, host: undefined }

function door(slug: string, knocks: readonly Knock[], more: Partial<KernelDoor> = {}): KernelDoor {
  const widen = { 4: 32, 6: 128 }
  const times = { seqTimeoutMs: 10_000, openForMs: 5_000 }
  return { name: slug, slug, knocks, tcpFlags: undefined, ...times, ports: [ssh], allowFrom: [], widen, ...more }
}

function plan(...doors: readonly KernelDoor[]): KernelPlan {
  const none = { guarded: [], allowed: [], alwaysAllow: [], interfaces: [] }
  return { file: 'knockd.conf', doors, ...none, scanPorts: 0, scanIgnoreMs: 0, drops: false, flagged: false }
}

/** Applies the rules to one source's packets, as the kernel does. */
class Source {
  readonly #chains: ReadonlyMap<string, Knocking['chains'][number]>
  readonly #lists: ReadonlyMap<string, Knocking['lists'][number]>
  /** The time when the source was added to a list, in milliseconds. */
  readonly #in = new Map<string, number>()
  readonly #address = parseAddress('192.0.2.7')!
  #now = 0

  constructor(knocking: Knocking) {
    this.#chains = new Map(knocking.chains.map((one) => [one.name, one]))
    this.#lists = new Map(knocking.lists.map((one) => [one.name, one]))
  }

  hit(knock: Knock, atMs = this.#now): this {
    this.#now = atMs
    this.#walk(KNOCK, knock)
    return this
  }

  isIn(name: string): boolean {
    const list = this.#lists.get(name)!
    const since = this.#in.get(name)
    return since !== undefined && this.#now - since < list.timeoutMs
  }

  #walk(name: string, knock: Knock): void {
    const chain = this.#chains.get(name)!
    for (const { tests, act } of chain.rules) {
      if (!this.#holds(tests, knock)) continue
      if (act === 'return') return
      if ('put' in act) this.#in.set(act.put.name, this.#now)
      else if ('remove' in act) this.#in.delete(act.remove.name)
      else if ('jump' in act) this.#walk(act.jump, knock)
      else return this.#walk(act.goto, knock)
    }
  }

  #holds(tests: Rule['tests'], knock: Knock): boolean {
    return tests.every((one) => {
      if ('in' in one) return this.isIn(one.in.name)
      if ('from' in one) return one.from.address.a === this.#address.a
      const [protocol, first, last] =
        'knock' in one
          ? [one.knock.protocol, one.knock.port, one.knock.port]
          : [one.service.protocol, one.service.first, one.service.last]
      return knock.protocol === protocol && first <= knock.port && knock.port <= last
    })
  }
}

function source(...doors: readonly KernelDoor[]): Source {
  return new Source(knockChains(plan(...doors), 4))
}

/** A generator of numbers below 1 that gives the same ones for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}

test('a scan in order, backwards or at random opens nothing', () => {
  const doors = [door('a', [7000, 8000, 9000].map(tcp)), door('b', [9000, 100, 20_000, 7000].map(tcp))]
  const ports = Array.from({ length: PORTS }, (_, index) => index + 1)
  const orders = [ports, ports.toReversed()]
  const next = random(1)
  for (let scan = 0; scan < SCANS; scan++) {
    const shuffled = [...ports]
    for (let at = PORTS - 1; at > 0; at--) {
      const other = Math.floor(next() * (at + 1))
      ;[shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!]
    }
    orders.push(shuffled)
  }
  for (const order of orders) {
    const scanner = source(...doors)
    for (const port of order) scanner.hit(tcp(port))
    expect([scanner.isIn('open_a'), scanner.isIn('open_b')]).toEqual([false, false])
    for (const port of [7000, 8000, 9000]) scanner.hit(tcp(port))
    expect(scanner.isIn('open_a')).toBe(true)
  }
})

/**
 * A second definition of an opening: it begins at the last first knock; each packet after it is the next knock or a
 * repeat.
 */
function opens(knocks: readonly number[], hits: readonly number[]): boolean {
  let stage = 0
  for (const port of hits) {
    if (stage > 0 && port === knocks[stage]) stage++
    else if (stage > 0 && port === knocks[stage - 1]) stage = stage > 1 ? stage : 1
    else stage = port === knocks[0] ? 1 : 0
    if (stage === knocks.length) return true
  }
  return false
}

test('random knocks at few ports open the same doors as a simple model, each door on its own', () => {
  const sequences: readonly (readonly number[])[] = [[1, 2, 3], [1, 2], [1, 3, 1, 2], [2, 1, 2, 1], [3], [4, 1]]
  const doors = sequences.map((ports, index) => door(`d${index}`, ports.map(tcp)))
  const next = random(2)
  let opened = 0
  for (let walk = 0; walk < WALKS; walk++) {
    const hits = Array.from({ length: 1 + Math.floor(next() * 9) }, () => 1 + Math.floor(next() * 5))
    const walker = source(...doors)
    for (const port of hits) walker.hit(tcp(port))
    const expected = sequences.map((ports) => opens(ports, hits))
    opened += expected.filter(Boolean).length
    expect({ hits, open: doors.map(({ slug }) => walker.isIn(`open_${slug}`)) }).toEqual({ hits, open: expected })
  }
  expect(opened).toBeGreaterThan(WALKS / 10)
})

test('the time limit starts at the first knock, and at the last one if there are several', () => {
  const knocks = [1, 2, 3, 4].map(tcp)
  const at = (...times: readonly number[]): boolean => {
    const walker = source(door('a', knocks))
    for (const [index, time] of times.entries()) walker.hit(knocks[index]!, time)
    return walker.isIn('open_a')
  }
  expect(at(0, 3_000, 6_000, 9_999)).toBe(true)
  expect(at(0, 3_000, 6_000, 10_000)).toBe(false)
  const again = source(door('a', knocks)).hit(tcp(1), 0).hit(tcp(1), 9_000)
  for (const port of [2, 3, 4]) again.hit(tcp(port), 18_000)
  expect(again.isIn('open_a')).toBe(true)
})

test('a repeat of the last knock is not a wrong knock, but an older knock is', () => {
  for (const [ports, open] of [
    [[1, 1, 2, 2, 2, 3, 3], true],
    [[1, 2, 1, 3], false],
    [[1, 2, 22, 3], false],
  ] as const) {
    const walker = source(door('a', [1, 2, 3].map(tcp)))
    for (const port of ports) walker.hit(tcp(port))
    expect(walker.isIn('open_a')).toBe(open)
  }
})

test('a knock over another protocol does not count', () => {
  const one = source(door('a', [tcp(1), { protocol: UDP, port: 2 }]))
  expect(one.hit(tcp(1)).hit(tcp(2)).isIn('open_a')).toBe(false)
  expect(one.hit(tcp(1)).hit({ protocol: UDP, port: 2 }).isIn('open_a')).toBe(true)
})

test('a door stays shut for sources that may not knock at it', () => {
  const knocks = [tcp(1), tcp(2)]
  const from = (network: string): boolean =>
    source(door('a', knocks, { allowFrom: [parseNetwork(network)!] }))
      .hit(tcp(1))
      .hit(tcp(2))
      .isIn('open_a')
  expect(from('192.0.2.7')).toBe(true)
  expect(from('192.0.2.8')).toBe(false)
  expect(knockChains(plan(door('a', knocks, { allowFrom: [parseNetwork('192.0.2.7')!] })), 6).lists).toEqual([])
})
