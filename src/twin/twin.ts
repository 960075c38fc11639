import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Family } from '../packet/address.ts'
import type { Network } from '../packet/network.ts'
import { makeContainers } from './containers.ts'
import { Knockers } from './knocker.ts'
import type { Machine } from './machine.ts'
import { Namespace, STAGE_FOLDER, joinNamespaces } from './namespace.ts'
import type { Ran } from './orders.ts'
import type { Rules, RunProgram } from './rules.ts'
import { copyRules } from './ruleset-copy.ts'
import type { Copied } from './ruleset-copy.ts'
import type { Setting } from './setting.ts'

/** The daemon of this installation. */
const KNOCKD = fileURLToPath(new URL('../bin/knockd.js', import.meta.url))
/** The name under which the daemon's lines are sent. */
export const DAEMON = 'knockd'
/** The longest time until the daemon listens, in milliseconds. */
const LISTENING_LIMIT_MS = 15_000
/** Kernel parameters of packet handling, below /proc/sys/net. The copy gets the machine's values. */
const SYSCTLS = [
  'ipv4/ip_forward',
  'ipv4/conf/all/rp_filter',
  'ipv4/conf/default/rp_filter',
  'ipv4/conf/all/route_localnet',
  'ipv6/conf/all/forwarding',
]

/** A twin is a copy of the machine, with a client joined to it, and the daemon. */
export class Twin {
  readonly machine: Machine
  readonly server: Namespace
  readonly client: Namespace
  readonly copied: Copied
  readonly #knockers: Knockers
  readonly #rules: Rules

  /** Makes both namespaces, and loads the rules. The caller has to close each one that `made` gets. @throws Error */
  static async set(setting: Setting, made: (namespace: Namespace) => void): Promise<Twin> {
    const server = await Namespace.make('server')
    made(server)
    const client = await Namespace.make('client')
    made(client)
    await join(setting, server, client, made)
    const copied = await copyRules(setting.rules, async (argv, input) => await runIn(server, argv, input))
    return new Twin(setting, server, client, copied)
  }

  private constructor(setting: Setting, server: Namespace, client: Namespace, copied: Copied) {
    const { machine, rulesText, alwaysAllow, from } = setting
    this.#rules = setting.rules
    this.machine = machine
    this.server = server
    this.client = client
    this.copied = copied
    const own = machine.links.flatMap(({ addresses }) => addresses)
    this.#knockers = new Knockers({ own, watched: machine.watched.addresses, alwaysAllow, rules: rulesText, from })
  }

  /** Runs a program in the machine's copy. */
  readonly run: RunProgram = async (argv, input) => await runIn(this.server, argv, input)

  /** Returns the address to knock at. */
  hostOf(family: Family): string | undefined {
    return this.machine.watched.addresses.find(({ address }) => address.family === family)?.text
  }

  /**
   * Gives the client an unused address for each list of networks, all in one go, and returns them in the same order;
   * `undefined` if no address fits.
   */
  async knockers(
    family: Family,
    ...allowed: readonly (readonly Network[])[]
  ): Promise<readonly (string | undefined)[]> {
    const sources = allowed.map((allowFrom) => this.#knockers.next(family, allowFrom))
    const hosts = sources.flatMap((source) => (source === undefined ? [] : [`${source}/${family === 4 ? 32 : 128}`]))
    if (hosts.length === 0) return sources
    const { name } = this.machine.watched
    const nodad = family === 6 ? ' nodad' : ''
    await Promise.all([
      configure(this.client, ...hosts.map((host) => `addr add ${host} dev eth0${nodad}`)),
      configure(this.server, ...hosts.map((host) => `route replace ${host} dev ${name}`)),
    ])
    return sources
  }

  /** Loads the machine's rules again, after a door has removed some of them. */
  async restoreRules(): Promise<void> {
    await copyRules(this.#rules, this.run)
  }

  /** The daemon's lines so far. */
  get log(): readonly string[] {
    return this.server.lines(DAEMON)
  }

  /** Starts the daemon. @throws Error with its lines if it does not listen */
  async startDaemon(config: string, name: string, interfaces: readonly string[]): Promise<void> {
    const path = `${STAGE_FOLDER}/${name}`
    await this.server.ask('write', { path, text: config })
    const listenOn = interfaces.flatMap((each) => ['-i', each])
    await this.server.start(DAEMON, [process.execPath, KNOCKD, '-v', '-c', path, ...listenOn])
    const listens = await this.server.line(DAEMON, 0, (line) => line.startsWith('listening on '), LISTENING_LIMIT_MS)
    if (listens === undefined) throw new Error(`the daemon does not listen\n  ${this.log.join('\n  ')}`)
  }
}

async function runIn(namespace: Namespace, argv: readonly string[], input?: string): Promise<Ran> {
  return await namespace.ask('run', { argv, ...(input === undefined ? {} : { input }) })
}

/** Makes interfaces with the machine's names and addresses. The interface that is listened on leads to the client. */
async function join(
  setting: Setting,
  server: Namespace,
  client: Namespace,
  made: (namespace: Namespace) => void,
): Promise<void> {
  const { machine, run } = setting
  const { watched } = machine
  await Promise.all([setParameters(server, machinesParameters()), setParameters(client, [])])
  await joinNamespaces(run, { name: watched.name, pid: server.pid }, { name: 'eth0', pid: client.pid })
  await makeContainers(setting, server, made)
  const ofServer: string[] = []
  for (const { name, addresses } of machine.links) {
    // Only rules name an interface that the kernel refuses, and they load all the same.
    if (name !== watched.name) ofServer.push(`link add name ${name} type dummy`)
    ofServer.push(`link set ${name} up`)
    for (const { address, text, prefix } of addresses) {
      ofServer.push(`addr add ${text}/${prefix} dev ${name}${address.family === 6 ? ' nodad' : ''}`)
    }
  }
  const ofClient = ['link set lo up', 'link set eth0 up']
  for (const family of [4, 6] as const) {
    const host = watched.addresses.find(({ address }) => address.family === family)?.text
    if (host === undefined) continue
    const all = family === 4 ? '0.0.0.0/0' : '::/0'
    ofServer.push(`route add ${all} dev ${watched.name}`)
    ofClient.push(`route add ${all} via ${host} dev eth0 onlink`)
  }
  await configure(server, 'link set lo up')
  // What the copy cannot have is left out.
  await server.ask('run', { argv: ['ip', '-force', '-batch', '-'], input: ofServer.join('\n') })
  await configure(client, ...ofClient)
}

/** Runs lines of ip(8), without the word `ip`. @throws Error with its error output if one fails */
async function configure(namespace: Namespace, ...lines: readonly string[]): Promise<void> {
  await namespace.must(['ip', '-batch', '-'], lines.join('\n'))
}

/** Returns lines of a shell that set the machine's values of packet handling. */
function machinesParameters(): readonly string[] {
  return SYSCTLS.flatMap((name) => {
    try {
      return `echo ${readFileSync(`/proc/sys/net/${name}`, 'latin1').trim()} >/proc/sys/net/${name}`
    } catch {
      return []
    }
  })
}

async function setParameters(namespace: Namespace, lines: readonly string[]): Promise<void> {
  // The link-local address must not be tentative: knocks would wait for it.
  const all = [...lines, 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad']
  await namespace.ask('run', { argv: ['sh', '-c', all.join('\n')] })
}
