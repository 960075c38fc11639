// Goal: the guard recognises its own table, with everything that can be open in it.
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import { parseAddress } from '../packet/address.ts'
import { Guard } from './guard.ts'

const SOURCE = parseAddress('192.0.2.7')!

/** A listing as nft(8) has it, with numbers in place of names. */
const listed = (elements: readonly string[]): string =>
  `table inet postern {\n${elements.map((element) => `\t${element.split(' ')[0]} {\n\t\telements = { ${element.split(' ').slice(1).join(' ')} }\n\t}\n`).join('')}}\n`
    .replaceAll('\topen4', '\tset open4')
    .replaceAll(/\t(redirect4|forward4)/g, '\tmap $1')

test('what is sent on is no change by another program', () => {
  const { config } = readConfig(
    '[d]\nSPA = fwknop\nFwknop_Keys = /k\nOpen_Ports = tcp/22\nForward_To = tcp/8080, tcp/22@198.51.100.7\n',
    'k',
  )
  const door = config!.doors[0]!
  for (const forward of [
    { address: undefined, port: 8080 },
    { address: parseAddress('198.51.100.7'), port: 22 },
  ]) {
    let elements: readonly string[] = []
    const firewall = {
      run: (commands: string, rulesAlone = false) =>
        commands.startsWith('list table') && !rulesAlone ? listed(elements) : '',
    }
    const guard = new Guard(firewall, { listening: () => () => false, connectionsTo: () => [] }, false)
    guard.install(config!, () => [])
    const held = guard.elements(door, SOURCE, forward).map((element) => Object.assign({}, element, { leftMs: 60_000 }))
    expect(held).toHaveLength(2)
    elements = held.map(
      ({ set, key, data }) =>
        `${set} ${key.replace('tcp', '6')} timeout 1m expires 59s${data === undefined ? '' : ` : ${data}`}`,
    )
    expect(guard.isIntact(() => held)).toBe(true)
    elements = elements.slice(0, 1)
    expect(guard.isIntact(() => held)).toBe(false)
  }
})

test('a guard that is installed again looks again at what listens', () => {
  const { config } = readConfig('[d]\nSequence = 7301,5401,9381\nOpen_Ports = tcp/22\n', 'k')
  let listened = 1
  const host = { listening: () => (port: number) => port === listened, connectionsTo: () => [] }
  const guard = new Guard({ run: () => '', commit: () => true }, host, false)
  guard.install(config!, () => [])
  expect(guard.plan?.closedPort).toBe(2)
  listened = 2
  guard.install(config!, () => [])
  expect(guard.plan?.closedPort).toBe(1)
})

/** A guard of one door, whose firewall notes what is asked of it. */
function noting(commits: boolean) {
  const { config } = readConfig('[d]\nSequence = 7431,9123,8020\nOpen_Ports = tcp/22\n', 'k')
  const ran: string[] = []
  const committed: Uint8Array[] = []
  const firewall = {
    run: (commands: string) => {
      if (commands.startsWith('add element')) ran.push(commands)
      return ''
    },
    commit: (transaction: Uint8Array) => (committed.push(transaction), commits),
  }
  const guard = new Guard(firewall, { listening: () => () => false, connectionsTo: () => [] }, false)
  guard.install(config!, () => [])
  return { guard, ran, committed, elements: guard.elements(config!.doors[0]!, SOURCE) }
}

test('what is prepared is not open, and what opens is what was asked for, prepared or not', () => {
  const { guard, ran, committed, elements } = noting(true)
  guard.prepare(elements, 1_000)
  expect(committed).toEqual([])
  for (const ms of [1_000, 1_000, 2_000]) guard.open(elements, ms)
  const [prepared, again, longer] = committed
  expect(prepared).toEqual(again)
  expect(longer).not.toEqual(again)
  guard.prepare(elements, 1_000)
  guard.open(
    elements.map((element) => ({ ...element, key: element.key.replace('192.0.2.7', '192.0.2.8') })),
    1_000,
  )
  expect(committed[3]).not.toEqual(again)
  guard.prepare(elements, 1_000)
  guard.open([], 1_000)
  expect([committed.length, ran.length]).toEqual([4, 0])
})

test('what is not certainly in force is done again by the library, which has words for a refusal', () => {
  const { guard, ran, committed, elements } = noting(false)
  guard.open(elements, 1_000)
  expect([committed.length, ran.length]).toEqual([1, 1])
  expect(ran[0]).toContain('192.0.2.7 . tcp . 22')
})

test('in a flow that was ended, a service of another host says nothing either, once the guard was away', () => {
  const { config } = readConfig('[d]\nSequence = 7431,9123,8020\nOpen_Ports = tcp/22@198.51.100.7\n', 'k')
  const ran: string[] = []
  const firewall = { run: (commands: string) => (ran.push(commands), '') }
  const guard = new Guard(firewall, { listening: () => () => false, connectionsTo: () => [] }, false)
  guard.install(config!, () => [])
  const answer = 'ip daddr . th dport . ip saddr . meta l4proto . th sport @ended4 goto resumed'
  expect(ran.some((commands) => commands.includes('@ended4'))).toBe(false)
  ran.length = 0
  guard.restore(() => [], false)
  expect(ran[0]).toContain(answer)
  // The chain that is gone to is there before.
  expect(ran[0]!.indexOf('chain resumed {')).toBeLessThan(ran[0]!.indexOf(answer))
})
