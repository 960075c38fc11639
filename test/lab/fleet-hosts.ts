// Hosts of a fleet, each with a daemon and a namespace of its own, on the network of an etcd cluster.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { constants, setPriority } from 'node:os'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { EtcdAccess } from '../../src/etcd/access.ts'
import { publicKeyText } from '../../src/fleet/hosts.ts'
import { Keyspace } from '../../src/fleet/keyspace.ts'
import { signText } from '../../src/fleet/signed.ts'
import { EtcdCluster } from './etcd.ts'
import type { ClusterOptions } from './etcd.ts'
import { program, withStateDir } from './knockd.ts'
import { Host } from './net.ts'
import { openFolder, shareAll } from './privileged.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { serveTcp } from './service.ts'

const FLEET = 'lab'

/** A host of the fleet. */
export interface Member {
  readonly name: string
  readonly groups: readonly string[]
  readonly host: Host
  /** Its address on the network of the cluster. */
  readonly address: string
  /** The config file of its daemon. */
  readonly file: string
  /** The private key with which it signs. */
  readonly key: KeyObject
  /** The environment of its daemon. */
  readonly env: Readonly<Record<string, string>>
  process: Process
}

/** Further settings of a host. */
export interface MemberOptions {
  /** The group of the daemon's `User`, which may read the files of the fleet. */
  readonly group?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called before the daemon starts for the first time, with its config and its StateDir. */
  readonly before?: (file: string, stateDir: string) => void
}

/** A fleet of hosts, a client that can knock at all of them, and their etcd. */
export class FleetHosts {
  readonly cluster: EtcdCluster
  readonly client: Host
  /** The client's address, which is the source of its knocks. */
  readonly source: string
  readonly keyspace = new Keyspace(FLEET)
  readonly members: Member[] = []
  readonly #operator = generateKeyPairSync('ed25519')
  readonly fleetKey = randomBytes(32)
  readonly #access: EtcdAccess
  #version = 0

  private constructor(cluster: EtcdCluster, client: Host, source: string) {
    this.cluster = cluster
    this.client = client
    this.source = source
    this.#access = cluster.access()
  }

  static async start(options: ClusterOptions = {}): Promise<FleetHosts> {
    const cluster = await EtcdCluster.start(options)
    const client = await Host.make('client')
    return new FleetHosts(cluster, client, await cluster.attach(client))
  }

  /**
   * Starts the daemon of a new host, with port 22 served.
   *
   * @param config the config, without `[options]`; or what returns it for the host's State_Folder
   */
  async add(
    name: string,
    groups: readonly string[],
    config: string | ((state: string) => string),
    { group, env = {}, before }: MemberOptions = {},
  ): Promise<Member> {
    const host = await Host.make(name)
    const address = await this.cluster.attach(host)
    const { conf, key, state } = this.enrol(name)
    const doors = typeof config === 'string' ? config : config(state)
    const stateDir = scratch(`state-${name}`)
    const folder = dirname(conf)
    const file = join(folder, `${name}.conf`)
    writeFileSync(file, withStateDir(`[options]\nFleet = ${conf}\n${doors}`, stateDir), { mode: 0o600 })
    if (group !== undefined) shareAll(folder, group)
    before?.(file, stateDir)
    await serveTcp(host, 22)
    const member = { name, groups, host, address, file, key, env, process: await startMember(host, file, env) }
    this.members.push(member)
    return member
  }

  /** Writes fleet.conf and the keys of a new host, without a daemon. */
  enrol(name: string): { readonly conf: string; readonly key: KeyObject; readonly state: string } {
    const { privateKey: key } = generateKeyPairSync('ed25519')
    const folder = openFolder(`fleet-${name}`)
    const state = join(folder, 'state')
    mkdirSync(state, { mode: 0o700 })
    return { conf: this.#write(folder, key, `Host = ${name}\nState_Folder = ${state}\n`), key, state }
  }

  /** Writes the folder of the operator, and returns its path. */
  operatorFolder(): string {
    return dirname(this.#write(openFolder('fleet-operator'), this.#operator.privateKey, ''))
  }

  /** Starts the daemon of a host again, after it has ended. */
  async again(member: Member): Promise<void> {
    member.process = await startMember(member.host, member.file, member.env)
  }

  /** Puts the document of hosts in force. Default: of all. */
  async publish(members: readonly Pick<Member, 'name' | 'groups' | 'key'>[] = this.members): Promise<void> {
    const hosts = members.map(({ name, groups, key }) => ({ name, groups, key: publicKeyText(key) }))
    const version = ++this.#version
    const place = this.keyspace.document('hosts')
    const signer = { name: 'root', key: this.#operator.privateKey }
    await this.cluster.client().put(place, signText(place, { version, hosts }, signer))
    await Promise.all(
      this.members
        .filter(({ process }) => process.exit === undefined)
        .map(async ({ process }) => await process.line(new RegExp(`version ${version}, signed`))),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(async ({ process }) => await process.stop()))
    await this.cluster.close()
  }

  /** Writes fleet.conf and its keys into a folder, and returns the path of fleet.conf. */
  #write(folder: string, signKey: KeyObject, lines: string): string {
    const { endpoints, ca, cert, key } = this.#access
    const operator = `Operator = root ${publicKeyText(this.#operator.publicKey)}`
    const files = {
      'ca.crt': ca,
      'host.crt': cert,
      'host.key': key,
      'sign.key': signKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      'fleet.key': `${this.fleetKey.toString('base64')}\n`,
      'fleet.conf': `Fleet = ${FLEET}\nEtcd = ${endpoints.join()}\n${operator}\n${lines}`,
    }
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text, { mode: 0o600 })
    return join(folder, 'fleet.conf')
  }
}

async function startMember(host: Host, file: string, env: Member['env']): Promise<Process> {
  const process = host.start([globalThis.process.execPath, program('knockd'), '-v', '-c', file, '-i', 'eth1'], { env })
  setPriority(process.pid, constants.priority.PRIORITY_HIGHEST)
  await process.line(/listening on/)
  return process
}
