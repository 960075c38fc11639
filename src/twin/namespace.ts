import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawn } from '../native/spawn.ts'
import type { ChildProcess } from '../native/spawn.ts'
import type { AgentLine, OrderLine, OrderName, Orders } from './orders.ts'
import type { RunProgram } from './rules.ts'

/** The program that carries out orders in a namespace. */
const AGENT = fileURLToPath(new URL('../bin/rehearsal.js', import.meta.url))
/** The longest time to make a namespace, in milliseconds. */
const READY_LIMIT_MS = 20_000
/** The time that a namespace has to end by itself, in milliseconds. */
const CLOSE_LIMIT_MS = 5_000

/** The folder of Postern's files in the machine's copy. It is in memory, and ends with the namespace. */
export const STAGE_FOLDER = '/run/postern-rehearsal'

/**
 * The script that prepares the file systems of the machine's copy; /bin/sh runs it before the agent. /run is empty, so
 * that no program reaches the sockets of systemd, D-Bus or Docker, or the lock of iptables. Writes to the other folders
 * go to memory. A home or data folder with other file systems mounted below it is left as it is.
 */
const STAGE = `
set -e
mount -t sysfs sysfs /sys 2>/dev/null || true
mount -t tmpfs -o mode=755 tmpfs /run
for folder in /etc /var /tmp /root /home /srv /opt; do
  [ -d "$folder" ] && [ ! -L "$folder" ] || continue
  case $folder in /root|/home|/srv|/opt) if grep -q " $folder/" /proc/self/mountinfo; then continue; fi;; esac
  mkdir -p "${STAGE_FOLDER}/upper$folder" "${STAGE_FOLDER}/work$folder"
  chmod --reference="$folder" "${STAGE_FOLDER}/upper$folder"
  mount -t overlay -o "lowerdir=$folder,upperdir=${STAGE_FOLDER}/upper$folder,workdir=${STAGE_FOLDER}/work$folder" \\
    overlay "$folder" 2>/dev/null || echo "$folder" >>${STAGE_FOLDER}/shared
done
exec unshare --pid --fork --kill-child --mount-proc "$@"
`

const UNSHARE_SERVER = ['unshare', '--net', '--mount', '--uts', '--ipc', '/bin/sh', '-c', STAGE, 'stage'] as const
const UNSHARE_CLIENT = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const

/** An end of a link: the name of the interface, and a process in its namespace. */
export interface LinkEnd {
  readonly name: string
  readonly pid: number
}

/** Joins two namespaces by a pair of virtual Ethernet devices. @throws Error with the message of ip(8) */
export async function joinNamespaces(run: RunProgram, one: LinkEnd, other: LinkEnd): Promise<void> {
  const [near, far] = [one, other].map(({ name, pid }) => ['name', name, 'netns', String(pid)])
  const { code, stderr } = await run(['ip', 'link', 'add', ...near!, 'type', 'veth', 'peer', ...far!])
  if (code !== 0) throw new Error(`cannot join the namespaces: ${stderr.trim()}`)
}

/** The output of a program that was started in a namespace. */
interface Heard {
  readonly lines: string[]
  ended: boolean
}

/**
 * A network namespace without a name, in which an agent carries out orders. It lives as long as the agent. The agent
 * ends when its standard input is closed, so nothing stays even if this process is killed.
 */
export class Namespace {
  /** A process in the namespace, for `ip link … netns PID`. */
  readonly pid: number
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  readonly #heard = new Map<string, Heard>()
  readonly #watchers = new Set<() => void>()
  #count = 0
  #said = ''
  #ready = false
  readonly #closed: Promise<void>

  /** Makes a namespace, which needs root. @throws Error with the message of the system */
  static async make(kind: 'server' | 'client'): Promise<Namespace> {
    const namespace = new Namespace(kind === 'server' ? UNSHARE_SERVER : UNSHARE_CLIENT)
    try {
      await namespace.#until('a namespace', () => namespace.#ready, READY_LIMIT_MS)
    } catch {
      namespace.destroy()
      const said = namespace.#said.trim()
      throw new Error(`cannot make a network namespace${said === '' ? '' : `: ${said}`}`)
    }
    return namespace
  }

  private constructor(unshare: readonly string[]) {
    const [file = '', ...args] = unshare
    // The agent has a session of its own: Ctrl-C goes to this process alone, which then closes everything in order.
    const child = spawn(file, [...args, process.execPath, AGENT], { stdio: 'pipe', detached: true, cwd: '/' })
    this.#child = child
    this.pid = child.pid ?? 0
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as AgentLine))
    this.#closed = new Promise((resolve) => {
      child.once('error', (error) => (this.#said += error.message))
      child.once('close', () => {
        for (const waiting of this.#waiting.values()) waiting.reject(new Error('the rehearsal was ended'))
        this.#waiting.clear()
        for (const look of this.#watchers) look()
        resolve()
      })
    })
  }

  /** Has the agent carry out an order. @throws Error with the message of the agent */
  async ask<Name extends OrderName>(order: Name, ask: Orders[Name]['ask']): Promise<Orders[Name]['answer']> {
    const id = ++this.#count
    const line: OrderLine = { id, order, ask }
    return (await new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(new Error('the rehearsal was ended'))
        return
      }
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin?.write(`${JSON.stringify(line)}\n`)
    })) as Orders[Name]['answer']
  }

  /** Runs a program to its end. @throws Error with its error output if the exit code is not 0 */
  async must(argv: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.ask('run', { argv, ...(input === undefined ? {} : { input }) })
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim() || `exit code ${code}`}`)
    return stdout
  }

  /** Starts a program under a name. What an earlier one of that name said is forgotten. */
  async start(name: string, argv: readonly string[]): Promise<void> {
    this.#heard.delete(name)
    await this.ask('start', { name, argv })
  }

  /** Returns the lines so far of the program that was started under this name. */
  lines(name: string): readonly string[] {
    return this.#heardOf(name).lines
  }

  /** Waits for a line of a started program, from an index on. Returns `undefined` if the time or the program ends. */
  async line(
    name: string,
    from: number,
    wanted: (line: string) => boolean,
    limitMs: number,
  ): Promise<string | undefined> {
    const heard = this.#heardOf(name)
    const found = (): string | undefined => heard.lines.slice(from).find(wanted)
    await this.#until(name, () => found() !== undefined || heard.ended, limitMs).catch(() => undefined)
    return found()
  }

  /** Ends the namespace and its processes, and waits until they are gone. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.destroy(), CLOSE_LIMIT_MS)
    await this.#closed
    clearTimeout(timer)
  }

  /** Kills the namespace without waiting. */
  destroy(): void {
    this.#child.stdin?.end()
    this.#child.kill('SIGKILL')
  }

  get #gone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #heardOf(name: string): Heard {
    let heard = this.#heard.get(name)
    if (heard === undefined) {
      heard = { lines: [], ended: false }
      this.#heard.set(name, heard)
    }
    return heard
  }

  #hear(line: AgentLine): void {
    switch (line.kind) {
      case 'ready':
        this.#ready = true
        break
      case 'answer':
        this.#waiting.get(line.id)?.resolve(line.answer)
        this.#waiting.delete(line.id)
        break
      case 'failure':
        this.#waiting.get(line.id)?.reject(new Error(line.message))
        this.#waiting.delete(line.id)
        break
      case 'line':
        this.#heardOf(line.name).lines.push(line.line)
        break
      case 'ended':
        this.#heardOf(line.name).ended = true
        break
      default:
        line satisfies never
    }
    for (const look of this.#watchers) look()
  }

  async #until(what: string, condition: () => boolean, limitMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (condition()) settle(resolve)
        else if (this.#gone) settle(() => reject(new Error(`${what}: ended`)))
      }
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        how()
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`${what}: timed out`))), limitMs)
      this.#watchers.add(look)
      look()
    })
  }
}
