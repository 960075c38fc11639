// The nodes of a fleet's etcd, each in a network namespace of its own, started with the files that `postern fleet init` wrote, by the
// script that it wrote; and further hosts on their network.
import { join } from 'node:path'
import { etcdProgram } from './etcd.ts'
import type { EtcdVersion } from './etcd.ts'
import { program } from './knockd.ts'
import { Host, link } from './net.ts'
import { type Output, type Process, until } from './process.ts'
import { scratch } from './scratch.ts'

/** The network of the nodes: three bytes, from the test range of RFC 2544. */
const NET = '198.19.200'
const CLIENT_PORT = 2379
/** Milliseconds until etcd answers, on a machine with other things to do. */
const START_LIMIT_MS = 60_000
const LOOK_EVERY_MS = 1_000

/** Runs the script of a node's folder on an /etc and a /var/lib/etcd of its own, then etcd as Debian's unit does. */
const NODE = `set -e
mount -t tmpfs postern /mnt
mkdir /mnt/upper /mnt/work /mnt/bin
mount -t overlay postern -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mount -t tmpfs postern /var/lib/etcd
chown etcd:etcd /var/lib/etcd
printf '#!/bin/sh\\necho "systemctl $*" >> /mnt/asked\\n' > /mnt/bin/systemctl
chmod +x /mnt/bin/systemctl
cp "$(command -v "$2")" /mnt/bin/etcd
PATH=/mnt/bin:$PATH sh "$1/install.sh"
PATH=/mnt/bin:$PATH sh "$1/install.sh"
set -a
. /etc/default/etcd
exec setpriv --reuid etcd --regid etcd --clear-groups /mnt/bin/etcd`

/** A fleet of which nothing is there but the machines. */
export class FleetMachines {
  readonly #etcd: string
  readonly #switch: Host
  readonly #nodes: Process[] = []
  #hosts = 0
  /** The operator's machine, and its folder. */
  readonly operator: Host
  readonly folder = scratch('operator')
  readonly machines: readonly Host[]

  private constructor(etcd: string, middle: Host, operator: Host, machines: readonly Host[]) {
    this.#etcd = etcd
    this.#switch = middle
    this.operator = operator
    this.machines = machines
  }

  static async make(nodes = 3, version: EtcdVersion = '3.4'): Promise<FleetMachines> {
    const etcd = await etcdProgram(version)
    if (etcd === undefined) throw new Error(`there is no etcd ${version} on this machine`)
    const middle = await Host.make('switch')
    await middle.ip('link add br0 type bridge')
    await middle.ip('link set br0 up')
    const machines: Host[] = []
    for (let index = 0; index < nodes; index++) machines.push(await Host.make(`etcd${index + 1}`))
    const fleet = new FleetMachines(etcd, middle, await Host.make('operator'), machines)
    for (const [index, machine] of machines.entries()) await fleet.#plugIn(machine, `${NET}.${11 + index}`)
    await fleet.#plugIn(fleet.operator, `${NET}.10`)
    return fleet
  }

  get endpoints(): readonly string[] {
    return this.machines.map((_, index) => `https://${NET}.${11 + index}:${CLIENT_PORT}`)
  }

  /** Makes a host on the network. */
  async host(name: string): Promise<Host> {
    const host = await Host.make(name)
    await this.#plugIn(host, `${NET}.${100 + this.#hosts}`)
    return host
  }

  /** Runs `postern fleet` with the operator's folder. */
  async fleet(...words: readonly string[]): Promise<Output> {
    return await this.operator.run(this.argv(...words), { mayFail: true })
  }

  /** The command line of `postern fleet` with the operator's folder. */
  argv(...words: readonly string[]): readonly string[] {
    return [program('postern'), 'fleet', ...words, '--folder', this.folder]
  }

  /** Starts all nodes, and waits until etcd answers. */
  async start(): Promise<void> {
    for (const [index, machine] of this.machines.entries()) {
      const folder = join(this.folder, `etcd-${index + 1}`)
      this.#nodes.push(machine.start(['unshare', '-m', 'sh', '-c', NODE, 'node', folder, this.#etcd]))
    }
    await until(
      'etcd answers',
      async () => (await this.fleet('init', 'home', '--no-passphrase')).code === 0,
      START_LIMIT_MS,
      LOOK_EVERY_MS,
    )
  }

  /** Copies a file of the operator's to where a node reads it. */
  async copy(file: string, to: string): Promise<void> {
    for (const { pid } of this.#nodes) {
      // Node.js sees the process that became etcd.
      await this.operator.run(['sh', '-c', `nsenter -t ${pid} -m sh -c 'cat > ${to}' < ${file}`])
    }
  }

  /** Lets a host join: the operator invites it, and it uses the token. */
  async join(
    host: Host,
    name: string,
    ...words: readonly string[]
  ): Promise<{ readonly token: string; readonly folder: string; readonly said: string; readonly operator: string }> {
    const inviting = this.operator.start(this.argv('invite', name, ...words))
    const token = await tokenOf(inviting)
    const folder = scratch(name)
    const { stdout, stderr, code } = await host.run([program('postern'), 'fleet', 'join', '-', '--folder', folder], {
      input: token,
      mayFail: true,
    })
    if (code !== 0) throw new Error(`${name} could not join: ${stderr}`)
    const exit = await inviting.ended
    if (exit.code !== 0) throw new Error(`the operator did not see ${name}: ${inviting.stderr}`)
    return { token, folder, said: stdout, operator: inviting.stdout }
  }

  async #plugIn(host: Host, address: string): Promise<void> {
    const device = `p${this.#hosts++}`
    await link({ host: this.#switch, device }, { host, addresses: [`${address}/24`] })
    await this.#switch.ip(`link set ${device} master br0`)
  }
}

/** Returns the token that `postern fleet invite` prints. */
export async function tokenOf(inviting: Process): Promise<string> {
  await until(
    'the token is printed',
    () => /postern1\.[\w-]+\s/.test(inviting.stdout) || inviting.exit !== undefined,
    START_LIMIT_MS,
  )
  const [token] = /postern1\.[\w-]+/.exec(inviting.stdout) ?? []
  if (token === undefined) throw new Error(`no token: ${inviting.stderr}`)
  return token
}
