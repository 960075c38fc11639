// A machine for `postern setup`: a network namespace with /etc, /var/lib and /run of its own, and an ssh that says who types.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync, mkdirSync } from 'node:fs'
import { Commands } from './commands.ts'
import { nft, nftRules } from './firewall.ts'
import { program } from './knockd.ts'
import { CLIENT_4, SERVER_4, pair } from './net.ts'
import type { Host } from './net.ts'
import { Process, run } from './process.ts'
import type { Output, Run } from './process.ts'
import { scratch } from './scratch.ts'
import { connectTo, serveTcp } from './service.ts'
import { asTyped } from './ssh-session.ts'

/** Milliseconds that a whole set-up may take: its rehearsal alone takes ten seconds on a busy machine. */
export const SETUP_LIMIT_MS = 120_000
const CONFIG = '/etc/knockd.conf'
/** The rules of a machine with a firewall of its own, which lets ssh in. */
const RULES = `table inet mine {
  chain in { type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept
  }
}`

export interface MachineOptions {
  readonly size?: string
  readonly families?: readonly (4 | 6)[]
}

export class SetupMachine {
  readonly server: Host
  readonly client: Host
  /** The firewall's rules before set-up. */
  readonly rules: string
  readonly #pid: number

  private constructor(server: Host, client: Host, rules: string, pid: number) {
    this.server = server
    this.client = client
    this.rules = rules
    this.#pid = pid
  }

  /**
   * @param size of the file system for what is written, as mount(8) takes it
   * @param families of its addresses; what is rehearsed over one takes half the time
   */
  static async make({ size = '64m', families = [4] }: MachineOptions = {}): Promise<SetupMachine> {
    const { server, client } = await pair()
    if (!families.includes(6)) await server.sysctl('net.ipv6.conf.all.disable_ipv6', 1)
    await serveTcp(server, 22)
    await nft(server, RULES)
    const folder = scratch('machine')
    mkdirSync(folder)
    const layers = ['etc', 'var/lib'].map((name) => {
      const at = `${folder}/${name.replace('/', '-')}`
      return `mkdir ${at}-upper ${at}-work; mount -t overlay overlay -o lowerdir=/${name},upperdir=${at}-upper,workdir=${at}-work /${name}`
    })
    const script = ['set -e', 'mount --make-rprivate /', `mount -t tmpfs -o size=${size} tmpfs ${folder}`, ...layers]
    const rest = ['mount -t tmpfs tmpfs /run', `rm -rf ${CONFIG} /etc/postern /var/lib/postern`, 'echo ready']
    const holder = server.start(['unshare', '-m', 'sh', '-c', [...script, ...rest, 'exec sleep 3600'].join('\n')])
    await holder.line(/^ready$/)
    return new SetupMachine(server, client, await nftRules(server), holder.pid)
  }

  /** A path of this machine, as it is seen from the test. */
  at(path: string): string {
    return `/proc/${this.#pid}/root${path}`
  }

  get config(): string | undefined {
    return existsSync(this.at(CONFIG)) ? readFileSync(this.at(CONFIG), 'utf8') : undefined
  }

  write(path: string, text: string, mode = 0o600): void {
    writeFileSync(this.at(path), text, { mode })
  }

  /** The names below /etc that set-up may leave: its files, and the folders of its secrets. */
  get left(): readonly string[] {
    const own = readdirSync(this.at('/etc')).filter((name) => name.startsWith('knockd.conf'))
    const folder = this.at('/etc/postern')
    const secrets = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []
    return [...own, ...secrets.filter((entry) => entry.isFile()).map(({ name }) => name)].toSorted()
  }

  /** The identity of the config, which a rewritten one does not have. */
  get identity(): string {
    const { ino, mtimeMs, mode } = statSync(this.at(CONFIG))
    return [ino, mtimeMs, mode].join(' ')
  }

  async rulesNow(): Promise<string> {
    return await nftRules(this.server)
  }

  /** A connection of ssh that stays, and its name as sshd gives it to its sessions. */
  async login(): Promise<string> {
    const { ownPort } = await connectTo(this.client, { address: SERVER_4, port: 22 })
    return `${CLIENT_4} ${ownPort} ${SERVER_4} 22`
  }

  /** Starts `postern setup` as typed in a session. */
  start(session: string, ...args: readonly string[]): Process {
    return new Process(this.#words(asTyped(session, this.#postern(args))))
  }

  /** Runs `postern setup` as typed in a session, to its end. */
  async run(session: string, ...args: readonly string[]): Promise<Output> {
    return await run(this.#words(asTyped(session, this.#postern(args))), { mayFail: true, limitMs: SETUP_LIMIT_MS })
  }

  /** Runs commands of `postern` as typed in a session, one after another in one process. */
  commands(session: string): Commands {
    return new Commands((argv) => new Process(this.#words(asTyped(session, argv))))
  }

  /** Runs any program on this machine. */
  async exec(argv: readonly string[], how: Run = {}): Promise<Output> {
    return await run(this.#words(argv), { mayFail: true, ...how })
  }

  /** The processes of this machine whose command line has a word. */
  async processes(word: string): Promise<readonly number[]> {
    const pids = (await run(['ip', 'netns', 'pids', this.server.ns])).stdout.split('\n').filter(Boolean).map(Number)
    return pids.filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      } catch {
        return false
      }
    })
  }

  /** The daemons that run. */
  async daemons(): Promise<readonly number[]> {
    const pids = (await run(['ip', 'netns', 'pids', this.server.ns])).stdout.split('\n').filter(Boolean).map(Number)
    return pids.filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'knockd\n'
      } catch {
        return false
      }
    })
  }

  /** Knocks as the line for the client says. */
  async knock(line: string): Promise<void> {
    const [words = ''] = line.trim().split(' && ')
    const [, ...args] = words.split(' ')
    const { code, stderr } = await this.client.run([process.execPath, program('knock'), ...args], {
      env: { XDG_STATE_HOME: scratch('state'), HOME: scratch('home') },
      mayFail: true,
    })
    if (code !== 0) throw new Error(stderr)
  }

  get #inside(): readonly string[] {
    return ['nsenter', '--target', String(this.#pid), '--mount', '--net']
  }

  #words(argv: readonly string[]): readonly string[] {
    return [...this.#inside, ...argv]
  }

  #postern(args: readonly string[]): readonly string[] {
    return [process.execPath, program('postern'), 'setup', ...args]
  }
}

/** The line for the client that set-up printed. */
export function clientLineIn(text: string): string {
  const line = /^ {4}(knock .*)$/m.exec(text)?.[1]
  if (line === undefined) throw new Error(`no line for the client in:\n${text}`)
  return line
}
