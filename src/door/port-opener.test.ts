// Goal: ports are open for exactly as long as an opening needs them, whatever happens in between. That may be another
// knock, a second door with the same port, a reload, a restart, flushed rules or a lasting connection. The fake
// firewall keeps elements until their time is over, as the kernel does.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Config, Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { textOf } from '../log/format.ts'
import type { Network } from '../packet/network.ts'
import { formatNetwork } from '../packet/network.ts'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { timeLeft } from '../state/deadline.ts'
import type { Deadline, Opening } from '../state/opening.ts'
import { Guard } from './guard.ts'
import type { Firewall } from './guard.ts'
import type { Grant } from './grant.ts'
import { PortOpener } from './port-opener.ts'

const CLIENT = '192.0.2.2'
const SSH = `[ssh]\nSequence = 1,2\nOpen_Ports = tcp/22\nOpen_For = 10s\n`
const ADMIN = `[admin]\nSequence = 3,4\nOpen_Ports = tcp/22, tcp/8443\nOpen_For = 60s\n`

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

/** A fake firewall that keeps each element of a set with the time at which it ends. */
class SmallFirewall implements Firewall {
  readonly elements = new Map<string, number>()
  there = false
  refuses = false

  run(commands: string, rulesAlone = false): string {
    if (this.refuses) throw new Error('refused')
    if (commands.startsWith('list table')) {
      if (!this.there) throw new Error('no such table')
      return rulesAlone ? 'table' : this.#list()
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

  /** The open elements, such as `open4 192.0.2.2 . tcp . 22`. */
  get open(): readonly string[] {
    return [...this.elements].filter(([, until]) => until > Date.now()).map(([name]) => name)
  }

  #list(): string {
    const listed = this.open.map((name) => {
      const [set = '', ...key] = name.split(' ')
      const left = Math.ceil((this.elements.get(name)! - Date.now()) / 1000)
      const numbers = key.join(' ').replace(' tcp ', ' 6 ').replace(' udp ', ' 17 ')
      return `\tset ${set} {\n\t\telements = { ${numbers} timeout 60s expires ${left}s }\n\t}\n`
    })
    return `table inet postern {\n${listed.join('')}}\n`
  }

  #install(ruleset: string): void {
    this.flush()
    this.there = true
    for (const [, set, , elements] of ruleset.matchAll(/(?:set|map) (\w+) \{ (.*) elements = \{ (.*) \}; \}/g)) {
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

  /** An element that is already there keeps its time, as in the kernel. */
  #put(set: string, element: string): void {
    const [, key = '', seconds, ms] = /^(.*) timeout (\d+)s(?:(\d+)ms)?(?: : .*)?$/.exec(element) ?? []
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
  /** Milliseconds that the kernel takes to list connections. */
  askMs = 0
  asked = 0
  ports = this.daemon()

  /** A daemon that has just started. */
  daemon(): PortOpener {
    const guard = new Guard(this.firewall, { listening: () => () => false, connectionsTo: () => [] }, true)
    return new PortOpener({
      guard,
      store: {
        openings: this.records,
        opened: async (opening) => void this.records.set(opening.id, opening),
        extended: async (id: string, deadline: Deadline) =>
          void this.records.set(id, { ...this.records.get(id)!, ...deadline }),
        closed: async (id) => this.records.delete(id),
      },
      clocks: { now: () => ({ wall: Date.now(), boot: undefined, bootNow: undefined }) },
      log: {
        event: (event) => void this.said.push(textOf(event)),
        notice: (_level, text) => void this.said.push(text),
      },
      isConnected: async (_services, from: Network) => {
        this.asked++
        const connected = this.connected.includes(formatNetwork(from))
        if (this.askMs > 0) await new Promise((resolve) => void setTimeout(resolve, this.askMs))
        return connected
      },
    })
  }

  async open(door: Door, of: Partial<Grant> = {}): Promise<boolean> {
    const common = { source: addressOf(CLIENT), ms: door.cmdTimeoutMs, holder: 'mark', protocol: TCP, port: 1 } as const
    return await this.ports.open({ door, ...common, ...of }, () => undefined)
  }

  async knock(config: Config, door: string, source = CLIENT): Promise<boolean> {
    return await this.open(doorOf(config, door), { source: addressOf(source) })
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

test('a knock opens for the time of the door, and the opening is forgotten afterwards', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  expect(await around.knock(config, 'ssh')).toBe(true)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(9_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  expect(around.ports.list()).toEqual([])
  expect(around.records.size).toBe(0)
  expect(around.said).toEqual([`${CLIENT}: ssh: tcp/22 open for 10 s`, `${CLIENT}: ssh: tcp/22 closed`])
})

test('another knock extends the opening, and never shortens one that was made by hand', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(8_000)
  await around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(9_000)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await around.open(doorOf(config, 'ssh'), { ms: 100_000 })
  await around.knock(config, 'ssh')
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
  for (const door of doors) await around.knock(config, door)
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
  await around.knock(config, 'admin')
  await around.knock(config, 'ssh')
  expect(await around.ports.close('admin', undefined)).toBe(1)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.firewall.open).toEqual([])
})

test('openings can be closed by door, by source, and all at once', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  const open = async (): Promise<void> => {
    for (const source of [CLIENT, '2001:db8::2'])
      for (const door of ['ssh', 'admin']) await around.knock(config, door, source)
  }
  await open()
  expect(await around.ports.close('ssh', addressOf(CLIENT))).toBe(1)
  expect(await around.ports.close(undefined, addressOf('2001:db8::2'))).toBe(2)
  expect(around.firewall.open.toSorted()).toEqual([OPEN_SSH, `open4 ${CLIENT} . tcp . 8443`])
  await open()
  expect(await around.ports.close(undefined, undefined)).toBe(4)
  expect(around.firewall.open).toEqual([])
  expect(await around.ports.close(undefined, undefined)).toBe(0)
})

test('a restart keeps openings with their remaining time, and forgets doors that are gone', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  await around.knock(config, 'admin')
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

test('if the firewall refuses the start, nothing is forgotten, and the next start restores the openings', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  await around.knock(config, 'admin')
  around.ports.stop()
  around.ports = around.daemon()
  around.firewall.refuses = true
  expect(() => around.ports.start(configOf(SSH))).toThrow('refused')
  expect([around.ports.list(), around.records.size]).toEqual([[], 2])
  around.firewall.refuses = false
  around.ports.start(config)
  expect(around.ports.list().map(({ door }) => door)).toEqual(['ssh', 'admin'])
})

test('an opening that ended while the daemon was away is over', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  around.ports.stop()
  await vi.advanceTimersByTimeAsync(20_000)
  around.ports = around.daemon()
  around.ports.start(config)
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  expect(around.records.size).toBe(0)
})

test('a reload moves openings to the new ports, and closes openings of doors that are gone', async () => {
  const around = new Around()
  around.ports.start(configOf(SSH, ADMIN))
  await around.knock(configOf(SSH, ADMIN), 'ssh')
  await around.knock(configOf(SSH, ADMIN), 'admin')
  around.ports.replace(configOf(SSH.replace('tcp/22', 'tcp/2222')))
  expect(around.firewall.open).toEqual([`open4 ${CLIENT} . tcp . 2222`])
  around.firewall.refuses = true
  expect(() => around.ports.replace(configOf(ADMIN))).toThrow('refused')
  around.firewall.refuses = false
  expect(around.ports.list().map(({ door }) => door)).toEqual(['ssh'])
})

test('a config that guards nothing removes the guard', async () => {
  const around = new Around()
  around.ports.start(configOf(SSH))
  expect(around.firewall.there).toBe(true)
  around.ports.replace(configOf('[x]\nSequence = 1,2\nCommand = true\n'))
  expect(around.firewall.there).toBe(false)
})

test('flushed elements are restored with their remaining time; a knock in between still opens', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  expect(around.ports.repair('unclear')).toBe(false)
  await vi.advanceTimersByTimeAsync(4_000)
  around.firewall.flush()
  expect(await around.knock(config, 'admin')).toBe(true)
  expect(around.firewall.open).toContain(OPEN_SSH)
  around.firewall.flush()
  expect(around.ports.repair('unclear')).toBe(true)
  expect(around.firewall.open).toContain(OPEN_SSH)
  await around.ports.close('admin', undefined)
  await vi.advanceTimersByTimeAsync(5_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.firewall.open).toEqual([])
  const back = 'another program took the guard out of the rules: it is back, with'
  expect(around.said.filter((text) => text.startsWith(back))).toEqual([`${back} 1 opening`, `${back} 2 openings`])
})

test('if the firewall refuses, the door stays shut, and that is logged once', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  around.firewall.refuses = true
  expect(await around.knock(config, 'ssh')).toBe(false)
  expect(around.ports.list()).toEqual([])
  expect(around.said).toEqual([`${CLIENT}: ssh: stays shut: refused`])
})

test('an opening lasts while its source is connected, and ends soon after', async () => {
  const around = new Around()
  const config = configOf(`${SSH}Extend_While_Connected = yes\nWiden = /24\n`)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  around.connected = ['192.0.2.0/24']
  const open = [`wide4_0_port 192.0.2.0/24 . tcp . 22`]
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

test('a connection at the last moment keeps the door open as well', async () => {
  const around = new Around()
  const config = configOf(`${SSH}Extend_While_Connected = yes\n`)
  around.ports.start(config)
  await around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(9_900)
  around.connected = [CLIENT]
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  around.connected = []
  await vi.advanceTimersByTimeAsync(15_000)
  expect(around.firewall.open).toEqual([])
})

test('the opening may change while the kernel is asked for connections', async () => {
  const around = new Around()
  around.askMs = 3_000
  const config = configOf(`${SSH}Extend_While_Connected = yes\n`)
  around.ports.start(config)
  around.connected = [CLIENT]
  // A knock has extended it: its timer fires while the first question is still open.
  await around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(6_500)
  await around.open(doorOf(config, 'ssh'), { ms: 3_000 })
  await vi.advanceTimersByTimeAsync(2_400)
  expect(around.asked).toBe(1)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  // It was closed by hand: the answer opens nothing.
  const before = around.asked
  while (around.asked === before) await vi.advanceTimersByTimeAsync(100)
  expect(await around.ports.close('ssh', undefined)).toBe(1)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(around.firewall.open).toEqual([])
  expect(around.ports.list()).toEqual([])
  // After the daemon has ended, it asks the firewall for nothing.
  await around.knock(config, 'ssh')
  await vi.advanceTimersByTimeAsync(6_500)
  around.ports.stop()
  around.firewall.run = () => {
    throw new Error('it is gone')
  }
  const said = around.said.length
  await vi.advanceTimersByTimeAsync(60_000)
  expect(around.said).toHaveLength(said)
})

test('a door to other hosts of the other family stays shut, and that is logged', async () => {
  const around = new Around()
  const config = configOf(SSH.replace('tcp/22', 'tcp/22@198.51.100.7'))
  around.ports.start(config)
  expect(await around.knock(config, 'ssh', '2001:db8::2')).toBe(false)
  expect(around.said).toEqual(['2001:db8::2: ssh: stays shut, it has no ports to open over IPv6'])
  expect(around.ports.list()).toEqual([])
  expect(await around.knock(config, 'ssh')).toBe(true)
})

const GATE = `[gate]\nSPA = fwknop\nAccess_File = /x\nOpen_Ports = tcp/22\nOpen_For = 60s\nWiden = /24\n`
const FORWARDING = `${GATE}Forward_To = tcp/8080, tcp/2222@198.51.100.7\n`
const SENT = [`open4 ${CLIENT} . tcp . 22`, `forward4 ${CLIENT} . tcp . 22`]
const behind = { address: addressOf('198.51.100.7'), port: 2_222 }
const here = { address: undefined, port: 8_080 }

async function forward(around: Around, config: Config, to: typeof behind | typeof here): Promise<boolean> {
  const services = doorOf(config, 'gate').opens
  return await around.open(doorOf(config, 'gate'), { ms: 60_000, services, forward: to })
}

test('a forward is for one address, survives a restart, and ends with the line that allows it', async () => {
  const around = new Around()
  const config = configOf(FORWARDING)
  around.ports.start(config)
  expect(await forward(around, config, behind)).toBe(true)
  expect(around.firewall.open).toEqual(SENT)
  expect(around.ports.list()).toMatchObject([{ source: CLIENT, forward: '198.51.100.7:2222' }])
  around.ports.stop()
  around.ports = around.daemon()
  around.ports.start(config)
  expect(around.firewall.open.toSorted()).toEqual(SENT.toSorted())
  around.ports.replace(configOf(FORWARDING.replace(', tcp/2222@198.51.100.7', '')))
  expect(around.firewall.open).toEqual([])
  expect(around.records.size).toBe(0)
  around.ports.replace(config)
  expect(await forward(around, config, here)).toBe(true)
  expect(around.ports.list()).toMatchObject([{ source: CLIENT, forward: 'port 8080' }])
  around.ports.replace(configOf(FORWARDING.replace('tcp/8080', 'tcp/8081')))
  expect(around.firewall.open).toEqual([])
})

test.each(['192.0.2.1,8080', '198.51.100.7,3306', 'nowhere,8080', '198.51.100.7,', ''])(
  'a journal that has it sent on to %j, which the door does not allow, opens nothing',
  async (text) => {
    const around = new Around()
    const config = configOf(FORWARDING)
    around.ports.start(config)
    await forward(around, config, here)
    around.ports.stop()
    const [[id, opening]] = [...around.records] as [[string, Opening]]
    around.records.set(id, { ...opening, forward: text })
    around.firewall.flush()
    around.ports = around.daemon()
    around.ports.start(config)
    expect(around.firewall.open).toEqual([])
  },
)

test('an address that now belongs to this machine ends the forwards to it, and nothing else', async () => {
  const around = new Around()
  const config = configOf(FORWARDING, SSH)
  around.ports.start(config)
  await forward(around, config, behind)
  await around.knock(config, 'ssh', '192.0.2.9')
  around.ports.closeForwardsTo((address) => address.a === addressOf('203.0.113.1').a)
  expect(around.ports.list()).toHaveLength(2)
  around.ports.closeForwardsTo((address) => address.a === behind.address.a)
  expect(around.firewall.open).toEqual(['open4 192.0.2.9 . tcp . 22'])
  expect(around.said.some((line) => line.includes('198.51.100.7 is an address of this machine now'))).toBe(true)
})

test('a port is forwarded to one place at a time', async () => {
  const around = new Around()
  const config = configOf(FORWARDING)
  around.ports.start(config)
  expect(await forward(around, config, behind)).toBe(true)
  expect(await forward(around, config, here)).toBe(false)
  expect(around.said.at(-1)).toMatch(/stays shut: its ports are already sent on to 198\.51\.100\.7:2222/)
  expect(await forward(around, config, behind)).toBe(true)
  await around.ports.close('gate', undefined)
  expect(await forward(around, config, here)).toBe(true)
})

const userOf =
  (gone: readonly string[]) =>
  ({ user }: { readonly user: string | undefined }): boolean =>
    !gone.includes(user ?? '')

test('if one of several holders goes, the opening lasts as long as the others may have it', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const open = async (user: string, ms: number): Promise<boolean> =>
    await around.open(doorOf(config, 'ssh'), { ms, user, holder: `mark of ${user}` })
  await open('alice', 60_000)
  await open('bob', 20_000)
  expect(around.ports.list()).toMatchObject([{ user: 'bob', users: ['alice', 'bob'], leftMs: 60_000 }])
  await around.ports.release(userOf([]))
  expect(around.ports.list()).toHaveLength(1)
  await around.ports.release(userOf(['alice']))
  expect(around.ports.list()).toMatchObject([{ user: 'bob', users: undefined, leftMs: 20_000 }])
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(19_999)
  expect(around.firewall.open).toEqual([OPEN_SSH])
  await vi.advanceTimersByTimeAsync(1)
  expect([around.firewall.open, around.ports.list()]).toEqual([[], []])
})

test('a holder whose time is over no longer counts', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const open = async (user: string, ms: number): Promise<boolean> =>
    await around.open(doorOf(config, 'ssh'), { ms, user, holder: `mark of ${user}` })
  await open('alice', 5_000)
  await open('bob', 20_000)
  await vi.advanceTimersByTimeAsync(6_000)
  await around.ports.release(userOf(['bob']))
  expect([around.firewall.open, around.ports.list()]).toEqual([[], []])
})

test('another door with the same port keeps it open', async () => {
  const around = new Around()
  const config = configOf(SSH, ADMIN)
  around.ports.start(config)
  for (const door of ['ssh', 'admin']) {
    await around.open(doorOf(config, door), { ms: 60_000, user: door, holder: door })
  }
  await around.ports.release(userOf(['ssh']))
  expect(around.firewall.open).toContain(OPEN_SSH)
  expect(around.ports.list().map(({ door }) => door)).toEqual(['admin'])
})

test('holders are checked again after a restart', async () => {
  const around = new Around()
  const config = configOf(SSH)
  around.ports.start(config)
  const door = doorOf(config, 'ssh')
  await around.open(door, { ms: 60_000, user: 'alice', holder: 'mark' })
  await vi.advanceTimersByTimeAsync(0)
  around.ports.stop()
  const after = around.daemon()
  after.start(config)
  const judged: unknown[] = []
  await after.release((held) => {
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
