// Goal: the guard knows its own table again, with everything that can be open in it.
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
  const guard = new Guard({ run: () => '' }, host, false)
  guard.install(config!, () => [])
  expect(guard.plan?.closedPort).toBe(2)
  listened = 2
  guard.install(config!, () => [])
  expect(guard.plan?.closedPort).toBe(1)
})
