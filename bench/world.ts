import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Process, run, runs } from '../test/lab/process.ts'
import type { Output, Run } from '../test/lab/process.ts'

/** Where the server is knocked at, and whom from. */
export const SERVER = '10.200.0.1'
export const CLIENT = '10.200.0.2'
/** The port that the doors open. */
export const SERVICE_PORT = 2222

let count = 0
const worlds = new Set<World>()

/** A server and a client, each a network namespace, on one link; and a folder for files. */
export class World {
  readonly server: string
  readonly client: string
  readonly folder: string

  private constructor() {
    const name = `postern-bench-${process.pid}-${++count}`
    this.server = `${name}-s`
    this.client = `${name}-c`
    this.folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
    worlds.add(this)
  }

  /** Makes a world, in which the client is the way to everywhere. */
  static async make(): Promise<World> {
    const world = new World()
    const { server, client } = world
    for (const ns of [server, client]) await run(['ip', 'netns', 'add', ns])
    await run(['ip', 'link', 'add', 'eth0', 'netns', server, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client])
    for (const [ns, address] of [
      [server, SERVER],
      [client, CLIENT],
    ] as const) {
      await world.ip(ns, `addr add ${address}/24 dev eth0`)
      await world.ip(ns, 'link set lo up')
      await world.ip(ns, 'link set eth0 up')
    }
    await world.ip(server, `route add default via ${CLIENT}`)
    return world
  }

  /** `ip` in a namespace, its words separated by spaces. */
  async ip(ns: string, words: string): Promise<void> {
    await run(['ip', '-n', ns, ...words.split(' ')])
  }

  /** Runs a command on the server. */
  async onServer(argv: readonly string[], how: Run = {}): Promise<Output> {
    return run(argv, { ...how, ns: this.server })
  }

  /** Starts a service that greets nobody: it only accepts. */
  async serve(): Promise<Process> {
    const code = `require('net').createServer((s)=>s.on('error',()=>{})).listen(${SERVICE_PORT},()=>console.log('ready'))`
    const service = new Process([process.execPath, '-e', code], { ns: this.server })
    await service.line(/ready/)
    return service
  }

  /** Drops all that comes in, but for the service's port: that is refused, so that a client can ask again at once. */
  async hide(): Promise<void> {
    const rules = [
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
      `-A INPUT -p tcp --dport ${SERVICE_PORT} -j REJECT --reject-with tcp-reset`,
      '-P INPUT DROP',
    ]
    for (const rule of rules) await this.onServer(['iptables', ...rule.split(' ')])
  }

  /** A file in the world's folder. */
  file(name: string, text?: string): string {
    const path = join(this.folder, name)
    if (text !== undefined) writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  /** Ends what runs here and removes it. */
  async remove(): Promise<void> {
    if (!worlds.delete(this)) return
    for (const ns of [this.server, this.client]) {
      const { stdout } = await run(['ip', 'netns', 'pids', ns], { mayFail: true })
      for (const pid of stdout.split('\n').filter(Boolean).map(Number)) if (runs(pid)) process.kill(pid, 'SIGKILL')
      await run(['ip', 'netns', 'del', ns], { mayFail: true })
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Removes every world that is left. */
export async function removeWorlds(): Promise<void> {
  for (const world of worlds) await world.remove()
}
