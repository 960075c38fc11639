// Goal: ports are open for exactly as long as an opening that needs them lasts, whatever comes in between: repeated
// knocks, two doors with one port, a reload, a restart, somebody who flushes the rules, a connection that goes on. The
// firewall here is a small one that keeps elements and forgets them when their time is over, as the kernel does.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Config, Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import type { Network } from '../packet/network.ts'
import { formatNetwork } from '../packet/network.ts'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { timeLeft } from '../state/deadline.ts'
import type { Deadline, Opening } from '../state/opening.ts'
import { Guard } from './guard.ts'
import type { Firewall } from './guard.ts'
import { PortOpenings } from './port-openings.ts'

const CLIENT = '192.0.2.2'
const SSH = `[ssh]\nSequence = 1,2\nOpen_Ports = tcp/22\nOpen_For = 10s\n`
const ADMIN = `[admin]\nSequence = 3,4\nOpen_Ports = tcp/22, tcp/8443\nOpen_For = 60s\n`

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

/** Keeps elements by set and key with the time at which they end. */
class SmallFirewall implements Firewall {
  readonly elements = new Map<string, number>()
  there = false
  refuses = false

  run(commands: string): string {
    if (this.refuses) throw new Error('refused')
    if (commands.startsWith('list table')) {
      if (!this.there) throw new Error('no such table')
      return 'table'
    }
    if (commands.includes('table inet postern {')) this.#install(commands)
    else if (commands.startsWith('add table')) this.flush()
    else for (const line of commands.trim().split('\n')) this.#element(line)
    return ''
  }

  flush(): void {
    this.there = false
    this.elements.clear()
  }

  /** What is open: `open4 192.0.2.2 . tcp . 22`. */
  get open(): readonly string[] {
    return [...this.elements].filter(([, until]) => until > Date.now()).map(([name]) => name)
  }

  #install(ruleset: string): void {
    this.flush()
    this.there = true
    for (const [, set, , elements] of ruleset.matchAll(/set (\w+) \{ (.*) elements = \{ (.*) \}; \}/g)) {
      for (const element of elements!.split(', ')) {
        if (element.includes(' timeout ')) this.#put(set!, element)
      }
    }
  }

  #element(line: string): void {
    const match = /^(add|delete) element inet postern (\w+) \{ (.*) \}$/.exec(line)
    if (match === null || !this.there) throw new Error(`cannot: ${line}`)
    const [, verb, set = '', element = ''] = match
    if (verb === 'add') this.#put(set, element)
    else if (!this.elements.delete(`${set} ${element}`)) throw new Error(`not there: ${line}`)
  }

  /** As in the kernel, what is there already keeps its time. */
  #put(set: string, element: string): void {
    const [, key = '', seconds, ms] = /^(.*) timeout (\d+)s(?:(\d+)ms)?$/.exec(element) ?? []
    const name = `${set} ${key}`
    if ((this.elements.get(name) ?? 0) > Date.now()) return
    this.elements.set(name, Date.now() + Number(seconds) * 1000 + Number(ms ?? 0))
  }
}

class Around {
  readonly firewall = new SmallFirewall()
  readonly records = new Map<string, Opening>()
  readonly said: string[] = []
  connected: readonly string[] = []
  ports = this.daemon()

  /** A daemon that has just started. */
  daemon(): PortOpenings {
    const guard = new Guard(this.firewall, { listens: () => false, connectionsTo: () => [] }, true)
    return new PortOpenings({
      guard,
      store: {
        openings: this.records,
        opened: async (opening) => void this.records.set(opening.id, opening),
        extended: async (id: string, deadline: Deadline) =>
          void this.records.set(id, { ...this.records.get(id)!, ...deadline }),
        closed: async (id) => this.records.delete(id),
      },
      clocks: { now: () => ({ wall: Date.now(), boot: undefined, bootNow: undefined }) },
      log: { notice: (_level, text) => void this.said.push(text) },
      isConnected: (_services, from: Network) => this.connected.includes(formatNetwork(from)),
    })
  }

  knock(config: Config, door: string, source = CLIENT): boolean {
    const meant = doorOf(config, door)
    return this.ports.open(meant, addressOf(source), { ms: meant.cmdTimeoutMs })
  }
}

function configOf(...doors: readonly string[]): Config {
  return readConfig(doors.join(''), 'test').config!
}

function doorOf(config: Config, name: string): Door {
  return config.doors.find((door) => door.name === name)!
}

function addressOf(text: string): Address {
  return parseAddress(text)!
}

const OPEN_SSH = `open4 ${CLIENT} . tcp . 22`

test('a knock opens for the time of the door, and what was open is forgotten', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  expect(around.knock(config, 'ssh')).toBe(true)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(9_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  expect(around.ports.list()).toEqual([])
  expect(around.records.size).toBe(0)
  expect(around.said).toEqual([`${CLIENT}: ssh: tcp/22 open for 10 s`, `${CLIENT}: ssh: tcp/22 closed`])
})

test('knocking again extends, and never shortens what was given by hand', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(8_000)
  around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(9_000)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  around.ports.open(doorOf(config, 'ssh'), addressOf(CLIENT), { ms: 100_000 })
  around.knock(config, 'ssh')
  expect(around.ports.list()[0]!.leftMs).toBe(100_000)
  await vi.advanceTimersByTimeAsync(99_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
})

test.each([
  ['the longer one first', ['admin', 'ssh']],
  ['the shorter one first', ['ssh', 'admin']],
])('two doors with one port: it is open for as long as either is (%s)', async (_name, doors) => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  for (const door of doors) around.knock(config, door)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.ports.list().map(({ door }) => door)).toEqual(['admin'])
  expect(around.firewall.open).toContain(OPEN_SSH)
  await vi.advanceTimersByTimeAsync(49_999)
  expect(around.firewall.open).toContain(OPEN_SSH)
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
})

test('of two doors with one port, closing the longer one leaves the shorter one its time', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  around.knock(config, 'admin')
  around.knock(config, 'ssh')
  expect(around.ports.close('admin', undefined)).toBe(1)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.firewall.open).toEqual([])
})

test('closing by door, by source, and all', () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  const open = (): void => {
    for (const source of [CLIENT, '2001:db8::2'])
      for (const door of ['ssh', 'admin']) around.knock(config, door, source)
  }
  open()
  expect(around.ports.close('ssh', addressOf(CLIENT))).toBe(1)
  expect(around.ports.close(undefined, addressOf('2001:db8::2'))).toBe(2)
  expect(around.firewall.open.toSorted()).toEqual([OPEN_SSH, `open4 ${CLIENT} . tcp . 8443`])
  open()
  expect(around.ports.close(undefined, undefined)).toBe(4)
  expect(around.firewall.open).toEqual([])
  expect(around.ports.close(undefined, undefined)).toBe(0)
})

test('a restart takes up what is open, with the time it has left, and forgets doors that are gone', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  around.knock(config, 'ssh')
  around.knock(config, 'admin')
  await vi.advanceTimersByTimeAsync(4_000)
  around.ports.stop()
  around.ports = around.daemon()
  around.ports.start(configOf(SSH))
  expect(around.ports.list().map(({ door, leftMs }) => [door, leftMs])).toEqual([['ssh', 6_000]])
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(6_000)
  expect(around.firewall.open).toEqual([])
  expect(around.records.size).toBe(0)
})

test('what was due while the daemon was away is over', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  around.knock(config, 'ssh')
  around.ports.stop()
  await vi.advanceTimersByTimeAsync(20_000)
  around.ports = around.daemon()
  around.ports.start(config)
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  expect(around.records.size).toBe(0)
})

test('a reload moves openings to the new ports, and closes those of doors that are gone', () => {
  const around = new Around()
  around.ports.start(configOf(SSH, ADMIN))
  around.knock(configOf(SSH, ADMIN), 'ssh')
  around.knock(configOf(SSH, ADMIN), 'admin')
  around.ports.replace(configOf(SSH.replace('tcp/22', 'tcp/2222')))
  expect(around.firewall.open).toEqual([`open4 ${CLIENT} . tcp . 2222`])
  around.firewall.refuses = true
  expect(() => around.ports.replace(configOf(ADMIN))).toThrow('refused')
  around.firewall.refuses = false
  expect(around.ports.list().map(({ door }) => door)).toEqual(['ssh'])
})

test('a config that guards nothing takes the guard away', () => {
  const around = new Around()
  around.ports.start(configOf(SSH))
  expect(around.firewall.there).toBe(true)
  around.ports.replace(configOf('[x]\nSequence = 1,2\nCommand = true\n'))
  expect(around.firewall.there).toBe(false)
})

test('what somebody flushed is put back with the time that is left; a knock in between opens all the same', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  around.knock(config, 'ssh')
  expect(around.ports.repair()).toBe(false)
  await vi.advanceTimersByTimeAsync(4_000)
  around.firewall.flush()
  expect(around.knock(config, 'admin')).toBe(true)
  expect(around.firewall.open).toContain(OPEN_SSH)
  around.firewall.flush()
  expect(around.ports.repair()).toBe(true)
  expect(around.firewall.open).toContain(OPEN_SSH)
  around.ports.close('admin', undefined)
  await vi.advanceTimersByTimeAsync(5_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  const back = 'another program took the guard out of the rules: it is back, with'
  expect(around.said.filter((text) => text.startsWith(back))).toEqual([`${back} 1 opening`, `${back} 2 openings`])
})

test('a firewall that refuses keeps the door shut, and says so once', () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  around.firewall.refuses = true
  expect(around.knock(config, 'ssh')).toBe(false)
  expect(around.ports.list()).toEqual([])
  expect(around.said).toEqual([`${CLIENT}: ssh: stays shut: refused`])
})

test('an opening lasts while its source is connected, and ends soon after', async () => {
  const around = new Around()
  const config = configOf(`${SSH}Extend_While_Connected = yes\nWiden = /24\n`)
  around.ports.start(config)
  around.knock(config, 'ssh')
  around.connected = ['192.0.2.0/24']
  const open = [`wide4_0 192.0.2.0/24 . tcp . 22`]
  for (let minute = 0; minute < 10; minute++) {
    await vi.advanceTimersByTimeAsync(60_000)
    expect(around.firewall.open).toEqual(open)
    expect(
      timeLeft([...around.records.values()][0]!, { wall: Date.now(), boot: undefined, bootNow: undefined }),
    ).not.toBe(0)
  }
  around.connected = []
  await vi.advanceTimersByTimeAsync(15_000)
  expect(around.firewall.open).toEqual([])
  expect(around.ports.list()).toEqual([])
})

test('one that connects at the last moment keeps the door open as well', async () => {
  const around = new Around()
  const config = configOf(`${SSH}Extend_While_Connected = yes\n`)
  around.ports.start(config)
  around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(9_900)
  around.connected = [CLIENT]
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  around.connected = []
  await vi.advanceTimersByTimeAsync(15_000)
  expect(around.firewall.open).toEqual([])
})

test('a door whose ports are other hosts of the other family stays shut, and says so', () => {
  const around = new Around()
  const config = configOf(SSH.replace('tcp/22', 'tcp/22@198.51.100.7'))
  around.ports.start(config)
  expect(around.knock(config, 'ssh', '2001:db8::2')).toBe(false)
  expect(around.said).toEqual(['2001:db8::2: ssh: stays shut, it has no ports to open over IPv6'])
  expect(around.ports.list()).toEqual([])
  expect(around.knock(config, 'ssh')).toBe(true)
})

const userOf =
  (gone: readonly string[]) =>
  ({ user }: { readonly user: string | undefined }): boolean =>
    !gone.includes(user ?? '')

test('what one of several holders opened lasts as long as the others may, and no longer', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const open = (user: string, ms: number): boolean =>
    around.ports.open(doorOf(config, 'ssh'), addressOf(CLIENT), { ms, user, holder: `mark of ${user}` })
  open('alice', 60_000)
  open('bob', 20_000)
  expect(around.ports.list()).toMatchObject([{ user: 'bob', leftMs: 60_000 }])
  around.ports.release(userOf([]))
  expect(around.ports.list()).toHaveLength(1)
  around.ports.release(userOf(['alice']))
  expect(around.ports.list()).toMatchObject([{ user: 'bob', leftMs: 20_000 }])
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(19_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect([around.firewall.open, around.ports.list()]).toEqual([[], []])
})

test('a holder whose time is over holds nothing any more', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const open = (user: string, ms: number): boolean =>
    around.ports.open(doorOf(config, 'ssh'), addressOf(CLIENT), { ms, user, holder: `mark of ${user}` })
  open('alice', 5_000)
  open('bob', 20_000)
  await vi.advanceTimersByTimeAsync(6_000)
  around.ports.release(userOf(['bob']))
  expect([around.firewall.open, around.ports.list()]).toEqual([[], []])
})

test('another door that has the same port open keeps it so', () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  for (const door of ['ssh', 'admin']) {
    around.ports.open(doorOf(config, door), addressOf(CLIENT), { ms: 60_000, user: door, holder: door })
  }
  around.ports.release(userOf(['ssh']))
  expect(around.firewall.open).toContain(OPEN_SSH)
  expect(around.ports.list().map(({ door }) => door)).toEqual(['admin'])
})

test('holders are judged again after a restart', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const door = doorOf(config, 'ssh')
  around.ports.open(door, addressOf(CLIENT), { ms: 60_000, user: 'alice', holder: 'mark' })
  await vi.advanceTimersByTimeAsync(0)
  around.ports.stop()
  const after = around.daemon()
  after.start(config)
  const judged: unknown[] = []
  after.release((held) => {
    judged.push(held)
    return false
  })
  expect(judged).toEqual([
    { door: 'ssh', source: CLIENT, services: undefined, forward: undefined, holder: 'mark', user: 'alice' },
  ])
  expect(around.firewall.open).toEqual([])
  await vi.advanceTimersByTimeAsync(0)
  expect(around.records.size).toBe(0)
})
