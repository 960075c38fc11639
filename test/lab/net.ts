import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { destroyAll, Process, run, runs, stopAll, type Output, type Run, type Start } from './process.ts'
import { Resident } from './resident.ts'
import { removeScratch } from './scratch.ts'

/** Whether this process may make network namespaces. */
export const IS_ROOT = process.getuid?.() === 0

/** `describe` for tests on real networks: skipped, and counted as such, without root. */
export const lab = describe.skipIf(!IS_ROOT)

/** Namespaces are called `postern-<pid of the test process>-<count>-<host>`. */
const NAME = /^postern-(\d+)-\d+-/
/** Where iproute2 keeps named namespaces (ip-netns(8)). */
const NETNS_FOLDER = '/run/netns'
/** Where it looks for files that stand in for those in /etc, a folder for each namespace (ip-netns(8)). */
const ETC_FOLDER = '/etc/netns'

const hosts = new Set<Host>()
let count = 0

/** A machine of its own, as far as the network is concerned: a network namespace with its loopback up. */
export class Host {
  readonly ns: string
  #resident: Resident | undefined

  private constructor(name: string) {
    this.ns = `postern-${process.pid}-${++count}-${name}`
  }

  /** Makes the namespace; needs root. */
  static async make(name: string): Promise<Host> {
    const host = Host.named(name)
    await run(['sh', '-ec', [batch([`netns add ${host.ns}`]), within(host, ['link set lo up'])].join('\n')])
    return host
  }

  /** Makes two hosts and the link between them, in one go: making each by itself takes several times as long. */
  static async joined(one: Omit<End, 'host'>, other: Omit<End, 'host'>): Promise<readonly [Host, Host]> {
    const ends = [
      { ...one, host: Host.named('server') },
      { ...other, host: Host.named('client') },
    ] as const
    const made = ends.map(({ host }) => `netns add ${host.ns}`)
    const script = [batch([...made, linkWords(...ends)]), ...ends.map((end) => setUp(end, ['link set lo up']))]
    await run(['sh', '-ec', script.join('\n')])
    return [ends[0].host, ends[1].host]
  }

  /** A host whose namespace is still to be made, and is removed in any case. */
  private static named(name: string): Host {
    sweep()
    const host = new Host(name)
    hosts.add(host)
    return host
  }

  /** What lives on this host: what it does there costs no process. */
  get resident(): Resident {
    this.#resident ??= new Resident(join(NETNS_FOLDER, this.ns))
    return this.#resident
  }

  /** Runs a command on this host to completion: see {@link run}. */
  async run(argv: readonly string[], how: Run = {}): Promise<Output> {
    return run(argv, { ...how, ns: this.ns })
  }

  /** Starts a command on this host that goes on running. */
  start(argv: readonly string[], how: Start = {}): Process {
    return new Process(argv, { ...how, ns: this.ns })
  }

  /** `ip` on this host, its words separated by spaces: `host.ip('link set eth0 down')`. Returns what it prints. */
  async ip(words: string): Promise<string> {
    return (await run(['ip', '-n', this.ns, ...words.split(' ')])).stdout
  }

  /** Gives an interface an address, `192.0.2.1/24` or `2001:db8::1/64`, in use at once (no duplicate detection). */
  async address(device: string, cidr: string): Promise<void> {
    await this.ip(`addr add ${cidr} dev ${device}${cidr.includes(':') ? ' nodad' : ''}`)
  }

  /** Sets a kernel parameter: `host.sysctl('net.ipv4.ip_forward', 1)`. */
  async sysctl(name: string, value: string | number): Promise<void> {
    await this.run(['sysctl', '-q', '-w', `${name}=${value}`])
  }

  /** Puts a text in the place of a file in /etc, for what runs on this host: `host.etc('hosts', '192.0.2.1 gate\n')`. */
  etc(name: string, text: string): void {
    mkdirSync(join(ETC_FOLDER, this.ns), { recursive: true })
    writeFileSync(join(ETC_FOLDER, this.ns, name), text)
  }

  /** Kills what still runs here and removes the namespace. */
  async remove(): Promise<void> {
    if (!hosts.delete(this)) return
    await this.#resident?.close()
    removeNamespaces([this.ns])
  }

  /** Removes all hosts that there are. */
  static async removeAll(): Promise<void> {
    await Promise.all([...hosts].map(async (host) => await host.#resident?.close()))
    removeNamespaces([...hosts].map(({ ns }) => ns))
    hosts.clear()
  }
}

/** One end of a link: what it is called there, and the addresses it has there. */
export interface End {
  readonly host: Host
  /** `eth0` without it. */
  readonly device?: string
  readonly addresses?: readonly string[]
  readonly mac?: string
  /** The bridge there that it becomes a port of. */
  readonly bridge?: string
}

/** Joins two hosts by a pair of virtual Ethernet devices, both up, with their addresses in use. */
export async function link(one: End, other: End): Promise<void> {
  // One shell for all of it: the test's process is large, and starting another from it is slow.
  await run(['sh', '-ec', [batch([linkWords(one, other)]), setUp(one), setUp(other)].join('\n')])
}

function linkWords(one: End, other: End): string {
  return `link add ${endWords(one)} type veth peer ${endWords(other)}`
}

function endWords({ host, device = 'eth0', mac }: End): string {
  return `name ${device} netns ${host.ns}${mac === undefined ? '' : ` address ${mac}`}`
}

/** Lines of a shell that give an end its addresses, and take it up, behind other commands of ip(8). */
function setUp({ host, device = 'eth0', addresses = [], bridge }: End, before: readonly string[] = []): string {
  const added = addresses.map((cidr) => `addr add ${cidr} dev ${device}${cidr.includes(':') ? ' nodad' : ''}`)
  // Not even the link-local address may be tentative: the first packet of a test would wait for it.
  const first = `echo 0 >/proc/sys/net/ipv6/conf/${device}/accept_dad; `
  const up = `link set ${device}${bridge === undefined ? '' : ` master ${bridge}`} up`
  return within(host, [...before, ...added, up], first)
}

/** Lines of a shell that run commands of ip(8). */
function batch(commands: readonly string[], ip = 'ip -batch -'): string {
  return `${ip} <<'END'\n${commands.join('\n')}\nEND`
}

/** The same on a host, behind what a shell does there first. */
function within(host: Host, commands: readonly string[], first = ''): string {
  return batch(commands, `nsenter --net=${join(NETNS_FOLDER, host.ns)} sh -ec '${first}exec ip -batch -'`)
}

/** The addresses {@link pair} gives out (RFC 5737, RFC 3849). */
export const SERVER_4 = '192.0.2.1'
export const SERVER_6 = '2001:db8::1'
export const CLIENT_4 = '192.0.2.2'
export const CLIENT_6 = '2001:db8::2'

/** The usual network: a server and a client on one link, `eth0` on both, IPv4 and IPv6. */
export async function pair(): Promise<{ readonly server: Host; readonly client: Host }> {
  const [server, client] = await Host.joined(
    { addresses: [`${SERVER_4}/24`, `${SERVER_6}/64`] },
    { addresses: [`${CLIENT_4}/24`, `${CLIENT_6}/64`] },
  )
  return { server, client }
}

/**
 * Stops every process, removes every namespace and the scratch folder this test process made. Runs by itself when a test
 * file ends: see set-up.ts.
 */
export async function tearDown(): Promise<void> {
  await stopAll()
  await Host.removeAll()
  removeScratch()
}

/** The same without waiting for anybody: for the moment the test process ends. */
function tearDownNow(): void {
  destroyAll()
  removeNamespaces([...hosts].map(({ ns }) => ns))
  hosts.clear()
  removeScratch()
}

process.on('exit', tearDownNow)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    tearDownNow()
    process.kill(process.pid, signal)
  })
}

function removeNamespaces(names: readonly string[]): void {
  if (names.length === 0) return
  for (const name of names) rmSync(join(ETC_FOLDER, name), { recursive: true, force: true })
  const inodes = new Set(
    names.flatMap((name) => statSync(join(NETNS_FOLDER, name), { throwIfNoEntry: false })?.ino ?? []),
  )
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (inodes.has(namespaceOf(pid))) killNow(Number(pid))
  }
  // One that is gone already, or was never made, keeps no other from being removed.
  const input = names.map((name) => `netns del ${name}\n`).join('')
  spawnSync('ip', ['-force', '-batch', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] })
}

/** The number of the network namespace that a process is in; 0 if it has ended. */
function namespaceOf(pid: string): number {
  try {
    // `net:[4026531840]` (namespaces(7))
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0] ?? 0)
  } catch {
    return 0
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

let swept = false

/** Removes what a test process that was killed outright could not remove itself; once in a test process. */
function sweep(): void {
  if (swept) return
  swept = true
  removeNamespaces(
    namespaces().filter((ns) => {
      const owner = NAME.exec(ns)?.[1]
      return owner !== undefined && !runs(Number(owner))
    }),
  )
}

/** The named namespaces there are. */
export function namespaces(): readonly string[] {
  try {
    return readdirSync(NETNS_FOLDER)
  } catch {
    return []
  }
}
