// A cluster of real etcd nodes, each in a network namespace of its own, joined by a switch to the test and to other hosts.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdAccess } from '../../src/etcd/access.ts'
import { Etcd } from '../../src/etcd/client.ts'
import { baseOf } from './booted.ts'
import { Authority } from '../etcd/certificates.ts'
import type { Leaf } from '../etcd/certificates.ts'
import { Host } from './net.ts'
import { Volume } from './power-cut/volume.ts'
import { type Process, run, until } from './process.ts'
import { memoryFolder, memoryScratch, scratch } from './scratch.ts'
import { Switch, freeNet } from './switch.ts'

/** The releases of etcd that are tried: those of Debian 12 and Debian 13. */
export const ETCD_VERSIONS = ['3.4', '3.5'] as const
export type EtcdVersion = (typeof ETCD_VERSIONS)[number]

/** Milliseconds until a cluster has a leader, on a machine with other things to do. */
const LEADER_LIMIT_MS = 40_000
const CLIENT_PORT = 2379
const PEER_PORT = 2380
/** Bytes of a node's disk whose power can be cut: etcd reserves 64 MiB for each of its log files. */
const DISK_BYTES = 320 * 1_048_576
/** Elections have time limits, which a machine with many other things to do would not keep. */
const FIRST = ['nice', '-n', '-10']
/** Entries by which a node may be behind, as they are asked one after the other. */
const BEHIND_MAX = 200
/** The device of a host or node on the network of the cluster. */
const DEVICE = 'eth1'
const TABLE = 'postern_partition'

/**
 * Returns the path of etcd, or `undefined` where this release is not to be had: 3.4 is Debian 12's package
 * `etcd-server`, 3.5 comes from a root file system of Debian 13 (see booted.ts), and is static.
 */
export async function etcdProgram(version: EtcdVersion): Promise<string | undefined> {
  if (version === '3.4') {
    const { stdout } = await run(['etcd', '--version'], { mayFail: true }).catch(() => ({ stdout: '' }))
    return stdout.includes('etcd Version: 3.4.') ? 'etcd' : undefined
  }
  try {
    const root = await baseOf({ suite: 'trixie', init: 'systemd', packages: ['etcd-server'] })
    const program = join(root, 'usr/bin/etcd')
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}

export interface ClusterOptions {
  /** Default: 3. */
  readonly nodes?: number
  readonly version?: EtcdVersion
  /** Further flags of etcd(1), such as `--quota-backend-bytes`, for every node. */
  readonly flags?: readonly string[]
  /** The nodes are configured by a YAML file, as nothing but their settings would say: then the gateway is off. */
  readonly byFile?: boolean
  /** Each node's data stands on a disk whose power can be cut. */
  readonly disks?: boolean
  /** The folder for the nodes' data, which is made, and removed with the cluster. Default: a scratch folder in memory. */
  readonly folder?: string
}

/** One node of a cluster. */
interface Node {
  readonly name: string
  readonly host: Host
  readonly address: string
  readonly disk: Volume | undefined
  process: Process | undefined
  /** `new`: the cluster is set up with it. `existing`: it joins. */
  state: 'new' | 'existing'
}

/** A cluster. Nodes are counted from 0. */
export class EtcdCluster {
  readonly #program: string
  readonly #options: ClusterOptions
  readonly #authority = new Authority(scratch('authority'))
  readonly #server
  readonly #switch: Switch
  readonly #net: string
  readonly #nodes: readonly Node[]
  readonly #folder: string
  readonly #admin: Etcd
  readonly #clients: Etcd[] = []
  #shared: Leaf | undefined
  #attached = 0

  private constructor(program: string, options: ClusterOptions, net: string, middle: Switch, hosts: readonly Host[]) {
    this.#program = program
    this.#options = options
    this.#folder = options.folder ?? memoryScratch('etcd')
    this.#net = net
    this.#switch = middle
    this.#nodes = hosts.map((host, index) => ({
      name: `n${index}`,
      host,
      address: `${net}.${11 + index}`,
      disk: options.disks === true ? new Volume(DISK_BYTES, memoryFolder()) : undefined,
      process: undefined,
      state: 'new',
    }))
    const names = ['127.0.0.1', ...this.#nodes.map(({ address }) => address)].map((address) => `IP:${address}`)
    // The gateway is a client of its own node.
    this.#server = this.#authority.leaf(names.join(), 'serverAuth,clientAuth')
    this.#admin = new Etcd(this.access())
    mkdirSync(this.#folder)
  }

  /** Starts a cluster and waits for its leader. Throws when the release is not there: see {@link etcdProgram}. */
  static async start(options: ClusterOptions = {}): Promise<EtcdCluster> {
    const program = await etcdProgram(options.version ?? '3.4')
    if (program === undefined) throw new Error(`there is no etcd ${options.version ?? '3.4'} on this machine`)
    const middle = await Switch.make()
    const net = freeNet()
    await middle.joinTest(`${net}.1`)
    const indexes = Array.from({ length: options.nodes ?? 3 }, (_, index) => index)
    const hosts = await Promise.all(
      indexes.map(async (index) => {
        const host = await Host.make(`n${index}`)
        await middle.join(host, `${net}.${11 + index}`, DEVICE)
        return host
      }),
    )
    const cluster = new EtcdCluster(program, options, net, middle, hosts)
    for (const index of hosts.keys()) cluster.start(index)
    if (options.byFile !== true) await cluster.leader()
    return cluster
  }

  /** The addresses of the nodes for clients. */
  get endpoints(): readonly string[] {
    return this.#nodes.map(({ address }) => `https://${address}:${CLIENT_PORT}`)
  }

  /** The authority that signed the nodes' certificates, for other clients. */
  get authority(): Authority {
    return this.#authority
  }

  /** The processes of the nodes that were started. */
  get pids(): readonly number[] {
    return this.#nodes.flatMap((node) => node.process?.pid ?? [])
  }

  get size(): number {
    return this.#nodes.length
  }

  /**
   * Returns what a client needs.
   *
   * @param nodes which nodes it knows; default: all
   * @param subject the name of a certificate of its own; without one, clients share one that has no CN
   */
  access(nodes?: readonly number[], subject?: string): EtcdAccess {
    const make = (): Leaf => this.#authority.leaf('DNS:host', 'clientAuth', subject)
    const { cert, key } = subject === undefined ? (this.#shared ??= make()) : make()
    const endpoints = nodes === undefined ? this.endpoints : nodes.map((index) => this.endpoints[index]!)
    return { endpoints, ca: this.#authority.ca, cert, key }
  }

  /** A client, which is closed with the cluster. */
  client(nodes?: readonly number[], login?: EtcdAccess['login']): Etcd {
    const etcd = new Etcd({ ...this.access(nodes), ...(login === undefined ? {} : { login }) })
    this.#clients.push(etcd)
    return etcd
  }

  /** Joins a host to the cluster's network: `eth1` with an address of its own, which it returns. */
  async attach(host: Host): Promise<string> {
    const address = `${this.#net}.${100 + this.#attached++}`
    await this.#switch.join(host, address, DEVICE)
    return address
  }

  /** Starts a node that does not run. */
  start(index: number): void {
    const node = this.#nodes[index]!
    const { host, name, address } = node
    const settings = {
      name,
      'data-dir': this.#data(index),
      'listen-client-urls': `https://${address}:${CLIENT_PORT}`,
      'advertise-client-urls': `https://${address}:${CLIENT_PORT}`,
      'listen-peer-urls': `https://${address}:${PEER_PORT}`,
      'initial-advertise-peer-urls': `https://${address}:${PEER_PORT}`,
      'initial-cluster': this.#nodes.map((each) => `${each.name}=https://${each.address}:${PEER_PORT}`).join(),
      'initial-cluster-state': node.state,
      'auto-compaction-mode': 'periodic',
      'auto-compaction-retention': '1h',
      // With a second and no vote before the vote, 3.4's defaults, an election was seen to take longer than 3 s.
      'heartbeat-interval': 50,
      'election-timeout': 500,
      'pre-vote': true,
      logger: 'zap',
      'log-level': 'error',
    }
    const { certFile, keyFile } = this.#server
    const tls = {
      'cert-file': certFile,
      'key-file': keyFile,
      'trusted-ca-file': this.#authority.caFile,
      'client-cert-auth': true,
    }
    // 3.4 asks for it on machines other than amd64 (etcd's documentation, "Supported platforms").
    const env: Record<string, string> = process.arch === 'x64' ? {} : { ETCD_UNSUPPORTED_ARCH: process.arch }
    if (this.#options.byFile === true) {
      const file = join(this.#folder, `${name}.yaml`)
      const config = { ...settings, 'client-transport-security': tls, 'peer-transport-security': tls }
      writeFileSync(file, JSON.stringify(config))
      node.process = host.start([...FIRST, this.#program, '--config-file', file], { env })
      return
    }
    const flags = Object.entries(settings).map(([key, value]) => `--${key}=${value}`)
    const secured = Object.entries(tls).flatMap(([key, value]) => [`--${key}=${value}`, `--peer-${key}=${value}`])
    node.process = host.start([...FIRST, this.#program, ...flags, ...secured, ...(this.#options.flags ?? [])], { env })
  }

  /** Kills a node, as `kill -9` does. */
  async kill(index: number): Promise<void> {
    const { process } = this.#nodes[index]!
    process?.kill('SIGKILL')
    await process?.ended
  }

  /** Stops a node where it is: it keeps its connections, and answers nothing. */
  stop(index: number): void {
    this.#nodes[index]!.process?.kill('SIGSTOP')
  }

  /** Lets a stopped node go on. */
  cont(index: number): void {
    this.#nodes[index]!.process?.kill('SIGCONT')
  }

  /** Ends a node as its init would. */
  async terminate(index: number): Promise<void> {
    await this.#nodes[index]!.process?.stop()
  }

  /**
   * Takes a node's data away, and has it join again as an empty member. The others form a majority meanwhile.
   * It runs afterwards.
   */
  async wipe(index: number): Promise<void> {
    const node = this.#nodes[index]!
    await this.kill(index)
    const others = this.client(this.#nodes.flatMap((_, each) => (each === index ? [] : [each])))
    const { id } = (await others.members()).find(({ name }) => name === node.name)!
    // A cluster that has just lost its leader changes no members, and one whose answer is late has changed them already.
    const peer = `https://${node.address}:${PEER_PORT}`
    const change = async (what: string, wanted: boolean, ...words: string[]): Promise<void> =>
      await until(
        what,
        async () => {
          const members = await others.members().catch(() => undefined)
          const isThere = members?.some((each) => each.peerUrls.includes(peer))
          if (isThere === undefined || isThere === wanted) return isThere === wanted
          await run(this.#ctl(['member', ...words], index), { mayFail: true })
          return false
        },
        LEADER_LIMIT_MS,
      )
    await change('the node is removed', false, 'remove', BigInt(id).toString(16))
    await change('the node is added', true, 'add', node.name, `--peer-urls=${peer}`)
    rmSync(this.#data(index), { recursive: true, force: true })
    node.state = 'existing'
    this.start(index)
  }

  /** Takes a node's data away and starts it as if nothing had been: what an operator must not do. It runs afterwards. */
  async forget(index: number): Promise<void> {
    await this.kill(index)
    rmSync(this.#data(index), { recursive: true, force: true })
    this.start(index)
  }

  /** Cuts the power of all nodes at once, and boots them with what is on their disks. Needs `disks`. */
  async powerCut(): Promise<void> {
    // A node that went on could acknowledge what its disk will never have.
    for (const index of this.#nodes.keys()) this.stop(index)
    for (const { disk } of this.#nodes) disk!.cutPower()
    for (const index of this.#nodes.keys()) await this.kill(index)
    for (const { disk } of this.#nodes) disk!.powerUp()
    for (const index of this.#nodes.keys()) this.start(index)
    await this.leader()
  }

  /** Waits until some node that answers has a leader, and returns the leader's place. */
  async leader(): Promise<number> {
    let found = -1
    await until(
      'etcd has a leader',
      async () => {
        found = await this.#leaderNow()
        return found >= 0
      },
      LEADER_LIMIT_MS,
    )
    return found
  }

  /** Waits until all nodes run, follow one leader, and have what it has: after a partition they need some seconds. */
  async healthy(): Promise<void> {
    await until(
      'all nodes of etcd follow a leader',
      async () => {
        const all = await Promise.all(
          this.endpoints.map(async (each) => await this.#admin.statusOf(each).catch(() => undefined)),
        )
        const [first] = all
        if (!all.every((each) => each !== undefined && each.leader !== '0' && each.leader === first?.leader))
          return false
        const indexes = all.map((each) => Number(each!.raftIndex))
        return Math.max(...indexes) - Math.min(...indexes) < BEHIND_MAX
      },
      LEADER_LIMIT_MS,
    )
  }

  /** Divides the network: a node, or an attached host's address, reaches only its own group. */
  async partition(groups: readonly (readonly (number | string)[])[]): Promise<void> {
    const addressOf = (each: number | string): string => (typeof each === 'number' ? this.#nodes[each]!.address : each)
    const rules = groups.flatMap((group, at) => {
      const others = groups.filter((_, each) => each !== at).flat()
      if (group.length === 0 || others.length === 0) return []
      const [from, to] = [group, others].map((each) => `{ ${each.map(addressOf).join(', ')} }`)
      return [`ip saddr ${from} ip daddr ${to} drop`]
    })
    const chain = `chain c { type filter hook forward priority 0; ${rules.map((rule) => `${rule}; `).join('')}}`
    await this.heal()
    await this.#switch.host.run([
      'nft',
      `add table bridge ${TABLE}; add chain bridge ${TABLE} c ${chain.slice('chain c '.length)}`,
    ])
  }

  /** Joins the network again. */
  async heal(): Promise<void> {
    await this.#switch.host.run(['nft', `add table bridge ${TABLE}; delete table bridge ${TABLE}`])
  }

  /** Fills the database up to its quota. Needs the flag `--quota-backend-bytes`. */
  async fill(): Promise<void> {
    const filler = this.client()
    const value = 'x'.repeat(1_000_000)
    const end = performance.now() + LEADER_LIMIT_MS
    for (let isFull = false; !isFull;) {
      if (performance.now() > end) throw new Error(`the database is not full after ${LEADER_LIMIT_MS} ms`)
      isFull = await filler.put('junk', value).then(
        () => false,
        (error: unknown) => (error as { readonly kind?: string }).kind === 'quota',
      )
    }
  }

  /** Makes room again, as an operator would. */
  async makeRoom(): Promise<void> {
    const { revision } = await this.client().list('junk')
    // Without `--physical` it returns before there is room.
    await this.etcdctl('compact', '--physical', revision)
    await this.etcdctl('defrag')
    await this.etcdctl('alarm', 'disarm')
  }

  /** Runs etcdctl against the nodes, with the authority's own client certificate; returns what it prints. */
  async etcdctl(...words: string[]): Promise<string> {
    return (await run(this.#ctl(words))).stdout
  }

  /** Ends all nodes, and removes their network and data. */
  async close(): Promise<void> {
    this.#admin.close()
    for (const etcd of this.#clients) etcd.close()
    await Promise.all([...this.#nodes.keys()].map(async (index) => await this.kill(index)))
    for (const { disk, host } of this.#nodes) {
      disk?.[Symbol.dispose]()
      await host.remove()
    }
    await this.#switch.host.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #data(index: number): string {
    const { disk, name } = this.#nodes[index]!
    return join(disk?.mountPoint ?? this.#folder, `${name}.etcd`)
  }

  #ctl(words: readonly string[], without?: number): readonly string[] {
    const { certFile, keyFile } = this.#server
    const endpoints = this.endpoints.filter((_, index) => index !== without).join()
    const tls = ['--cacert', this.#authority.caFile, '--cert', certFile, '--key', keyFile]
    return ['env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', endpoints, ...tls, ...words]
  }

  async #leaderNow(): Promise<number> {
    const states = await Promise.all(
      this.endpoints.map(async (each) => await this.#admin.statusOf(each).catch(() => undefined)),
    )
    const leaders = new Map<string, number>()
    for (const state of states) if (state !== undefined) leaders.set(state.leader, (leaders.get(state.leader) ?? 0) + 1)
    // A leader is one that the majority follows: a node that was cut off believes in itself for a while.
    return states.findIndex((state) => state !== undefined && (leaders.get(state.memberId) ?? 0) * 2 > this.size)
  }
}
