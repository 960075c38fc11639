import type { Status } from '../../src/control/message.ts'
import { shareWith, trustDaemon } from '../../src/file/private-group.ts'
import { postern as posternCommand } from '../../src/postern/postern.ts'
import { program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Output, Process } from './process.ts'
import { probe, sendKnocks } from './service.ts'
import type { Look } from './resident.ts'

/** The guard's table, as nft(8) calls it. */
export const TABLE = 'inet postern'
/** The knocks of the doors in these tests. */
export const KNOCKS = ['7301', '822', '9403'] as const
/** Milliseconds within which something closes or is put back that is due: long, for a busy machine. */
export const DUE_LIMIT_MS = 20_000

/** The config of a door that opens port 22 for so many seconds, with more lines in `[options]` and in the door. */
export function sshConfig(seconds: number, options = '', door = ''): string {
  const open = door.includes('Open_Ports') ? '' : 'Open_Ports = tcp/22\n'
  return `[options]\n${options}\n[ssh]\nSequence = ${KNOCKS.join()}\n${open}Open_For = ${seconds}s\n${door}\n`
}

/** Starts a daemon with the config of {@link sshConfig}. */
export async function guardSsh(host: Host, ...words: Parameters<typeof sshConfig>): Promise<Knockd> {
  return await startKnockd({ host, config: sshConfig(...words) })
}

/** Knocks right at a server, and waits until the daemon has opened something, or kept it open. */
export async function knockIn(client: Host, server: string, daemon: Process): Promise<void> {
  await sendKnocks(client, server, KNOCKS)
  // What an operator opened has no such line before that.
  await daemon.line(/OPEN SESAME/)
  await daemon.line(/ (open for|is open already)/)
}

/** Commands that only ask a daemon, by a socket that every network namespace sees. */
const ASKING: ReadonlySet<string | undefined> = new Set(['status', 'events', 'open', 'close', 'forgive', 'accept-loss'])

/**
 * postern(8) about a daemon. What only asks the daemon runs in this process: `control.test.ts` shows that the program does
 * the same.
 */
export async function postern(host: Host, { file }: Pick<Knockd, 'file'>, ...args: readonly string[]): Promise<Output> {
  const argv = [...args, '-c', file]
  if (!ASKING.has(args[0])) {
    return await host.run([process.execPath, program('postern'), ...argv], { mayFail: true })
  }
  let answer = await asked(argv)
  // A daemon says that it listens a moment before it can be asked.
  await until('the daemon answers', async () => {
    if (!/knockd is not running/.test(answer.stderr)) return true
    answer = await asked(argv)
    return false
  })
  return answer
}

/** `postern check` of a file, in this process. */
export async function check(file: string): Promise<Output> {
  return await asked(['check', file])
}

/** postern(8) in this process: for what does nothing to the network, nor asks the process who runs it. */
export async function asked(argv: readonly string[]): Promise<Output> {
  let [stdout, stderr] = ['', '']
  const output = { out: (text: string) => void (stdout += text), err: (text: string) => void (stderr += text) }
  try {
    return { code: await posternCommand(argv, output), signal: null, stdout, stderr }
  } finally {
    // A program trusts the users of one config and ends. The next test is about other users.
    shareWith(undefined)
    trustDaemon(false)
  }
}

/** What a daemon says about itself. */
export async function statusOf(host: Host, daemon: Pick<Knockd, 'file'>): Promise<Status> {
  return JSON.parse((await postern(host, daemon, 'status', '--json')).stdout) as Status
}

/** Waits until a port looks so from a host. */
export async function looks(from: Host, address: string, port: number, how: Look): Promise<void> {
  await until(`${address} ${port} is ${how}`, async () => (await probe(from, address, port)) === how, DUE_LIMIT_MS)
}

/**
 * How nmap says that ports of a server answer, its reasons and the time to live: `reset ttl 64`, `no-response`.
 *
 * @param scan one of its kinds of scan; SYNs without it
 */
export async function reasons(
  from: Host,
  address: string,
  ports: readonly number[],
  scan = '-sS',
): Promise<readonly string[]> {
  const family = address.includes(':') ? ['-6'] : []
  const how = ['-n', '-Pn', scan, '--reason', '--max-retries', '1', '--max-rtt-timeout', '400ms', '-p', ports.join()]
  const { stdout } = await from.run(['nmap', ...family, ...how, address])
  return ports.map((port) => new RegExp(`^${port}/(?:tcp|udp) +\\S+ +\\S+ +(.*)$`, 'm').exec(stdout)?.[1] ?? stdout)
}

/** Whether the guard's table is there. */
export async function isGuarded(host: Host): Promise<boolean> {
  return (await host.run(['nft', 'list', 'table', ...TABLE.split(' ')], { mayFail: true })).code === 0
}

/** Milliseconds that each element of the guard's sets of open ports has left, by its text. */
export async function timesLeft(host: Host): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await host.run(['nft', '-j', 'list', 'sets', 'inet'])
  const left = new Map<string, number>()
  interface Listed {
    readonly set?: { readonly name: string; readonly table: string; readonly elem?: readonly unknown[] }
  }
  const { nftables } = JSON.parse(stdout) as { readonly nftables: readonly Listed[] }
  for (const { set } of nftables) {
    if (set?.table !== 'postern' || !/^(open|wide|host)/.test(set.name)) continue
    for (const each of set.elem ?? []) {
      const { elem } = each as {
        readonly elem: { readonly val: { readonly concat: unknown }; readonly expires: number }
      }
      left.set(`${set.name} ${JSON.stringify(elem.val.concat)}`, elem.expires * 1000)
    }
  }
  return left
}

/** What a machine has of rules beside the guard, word for word: those of nftables, and those of iptables-legacy. */
export async function ownRules(host: Host): Promise<string> {
  const texts = []
  const tables = (await host.run(['nft', 'list', 'tables'])).stdout.trim().split('\n')
  for (const table of tables.filter((line) => line !== '' && line !== `table ${TABLE}`)) {
    texts.push((await host.run(['nft', '-s', 'list', ...table.split(' ')])).stdout)
  }
  for (const save of ['iptables-legacy-save', 'ip6tables-legacy-save']) {
    const { stdout } = await host.run([save])
    // The packets that came to a chain's policy are counted there.
    texts.push(stdout.replace(/^#.*\n/gm, '').replace(/ \[\d+:\d+\]$/gm, ''))
  }
  return texts.join('\n')
}

/** Takes the guard away behind a daemon that has ended. */
export async function removeGuard(host: Host): Promise<void> {
  await host.run(['nft', 'delete', 'table', ...TABLE.split(' ')])
}
