// The nodes of a fleet's etcd, each in a network namespace of its own, started with the files that `postern fleet init` wrote, by the
// script that it wrote; and further hosts on their network.
import { join } from 'node:path'
import { postern } from '../../src/postern/postern.ts'
import { etcdProgram } from './etcd.ts'
import type { EtcdVersion } from './etcd.ts'
import { asked } from './guarded.ts'
import { program } from './knockd.ts'
import { Host } from './net.ts'
import { type Output, Process, run, until } from './process.ts'
import { scratch } from './scratch.ts'
import { Switch, freeNet } from './switch.ts'

const CLIENT_PORT = 2379
/** Milliseconds until etcd answers, on a machine with other things to do. */
const START_LIMIT_MS = 60_000

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

/** A command of `postern` that goes on in the process of the test. */
export class Going {
  stdout = ''
  stderr = ''
  exit: Pick<Output, 'code'> | undefined
  readonly ended: Promise<Pick<Output, 'code'>>

  constructor(argv: readonly string[]) {
    const output = {
      out: (text: string) => void (this.stdout += text),
      err: (text: string) => void (this.stderr += text),
    }
    this.ended = postern(argv, output).then((code) => (this.exit = { code }))
  }
}

/**
 * A fleet of which nothing is there but the machines. The operator is the process of the test, which is on their network: a
 * program for each command would take longer than the command.
 */
export class FleetMachines {
  readonly #etcd: string
  readonly #switch: Switch
  readonly #net: string
  readonly #nodes: Process[] = []
  #hosts = 0
  /** The operator's folder. */
  readonly folder = scratch('operator')
  readonly machines: readonly Host[]

  private constructor(etcd: string, middle: Switch, net: string, machines: readonly Host[]) {
    this.#etcd = etcd
    this.#switch = middle
    this.#net = net
    this.machines = machines
  }

  static async make(nodes = 3, version: EtcdVersion = '3.4'): Promise<FleetMachines> {
    const etcd = await etcdProgram(version)
    if (etcd === undefined) throw new Error(`there is no etcd ${version} on this machine`)
    const middle = await Switch.make()
    const net = freeNet()
    await middle.joinTest(`${net}.1`)
    const machines: Host[] = []
    for (let index = 0; index < nodes; index++) {
      const machine = await Host.make(`etcd${index + 1}`)
      await middle.join(machine, `${net}.${11 + index}`)
      machines.push(machine)
    }
    return new FleetMachines(etcd, middle, net, machines)
  }

  get endpoints(): readonly string[] {
    return this.machines.map((_, index) => `https://${this.#net}.${11 + index}:${CLIENT_PORT}`)
  }

  /** Makes a host on the network. */
  async host(name: string): Promise<Host> {
    const host = await Host.make(name)
    await this.#switch.join(host, `${this.#net}.${100 + this.#hosts++}`)
    return host
  }

  /** Runs `postern fleet` with the operator's folder. */
  async fleet(...words: readonly string[]): Promise<Output> {
    return await asked(this.#words(words))
  }

  /** Starts `postern fleet` with the operator's folder: in this process, or as a program that can be ended. */
  start(...words: readonly string[]): Going {
    return new Going(this.#words(words))
  }
  program(...words: readonly string[]): Process {
    return new Process([process.execPath, program('postern'), ...this.#words(words)])
  }

  /** Starts all nodes, and waits until etcd answers. */
  async startNodes(): Promise<void> {
    for (const [index, machine] of this.machines.entries()) {
      const folder = join(this.folder, `etcd-${index + 1}`)
      this.#nodes.push(machine.start(['unshare', '-m', 'sh', '-c', NODE, 'node', folder, this.#etcd]))
    }
    await until(
      'etcd answers',
      async () => (await this.fleet('init', 'home', '--no-passphrase')).code === 0,
      START_LIMIT_MS,
    )
  }

  /** Copies a file of the operator's to where a node reads it. */
  async copy(file: string, to: string): Promise<void> {
    for (const { pid } of this.#nodes) {
      // Node.js sees the process that became etcd.
      await run(['sh', '-c', `nsenter -t ${pid} -m sh -c 'cat > ${to}' < ${file}`])
    }
  }

  /**
   * Lets a host join: the operator invites it, and it uses the token.
   *
   * @param host where it runs as a program; `undefined`: in this process
   */
  async join(
    host: Host | undefined,
    name: string,
    ...options: readonly string[]
  ): Promise<{ readonly token: string; readonly folder: string; readonly said: string; readonly operator: string }> {
    const inviting = this.start('invite', name, ...options)
    const token = await tokenOf(inviting)
    const folder = scratch(name)
    const words = ['fleet', 'join', host === undefined ? token : '-', '--folder', folder]
    const { stdout, stderr, code } =
      host === undefined
        ? await asked(words)
        : await host.run([process.execPath, program('postern'), ...words], { input: token, mayFail: true })
    if (code !== 0) throw new Error(`${name} could not join: ${stderr}`)
    const exit = await inviting.ended
    if (exit.code !== 0) throw new Error(`the operator did not see ${name}: ${inviting.stderr}`)
    return { token, folder, said: stdout, operator: inviting.stdout }
  }

  #words(words: readonly string[]): readonly string[] {
    return ['fleet', ...words, '--folder', this.folder]
  }
}

/** Returns the token that `postern fleet invite` prints. */
export async function tokenOf(inviting: Pick<Going | Process, 'stdout' | 'stderr' | 'exit'>): Promise<string> {
  await until(
    'the token is printed',
    () => /postern1\.[\w-]+\s/.test(inviting.stdout) || inviting.exit !== undefined,
    START_LIMIT_MS,
  )
  const [token] = /postern1\.[\w-]+/.exec(inviting.stdout) ?? []
  if (token === undefined) throw new Error(`no token: ${inviting.stderr}`)
  return token
}
