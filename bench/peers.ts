import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../test/lab/knockd.ts'
import { Process } from '../test/lab/process.ts'
import { SERVICE_PORT } from './world.ts'
import type { World } from './world.ts'

/** Debian's knockd. */
const THEIR_KNOCKD = '/usr/sbin/knockd'
/** The doors' first knocks; the doors of one daemon are told apart by them. */
export const SEQUENCE = [7301, 5402, 8823] as const

/** Milliseconds that a daemon has to say in its log that it listens, and between two looks into the log. */
const LISTEN_MAX_MS = 10_000
const LISTEN_LOOK_MS = 2

/** Which of the two daemons. */
export type Side = 'ours' | 'theirs'
export const SIDES: readonly Side[] = ['ours', 'theirs']

/** A running daemon. */
export interface Peer {
  readonly process: Process
  readonly config: string
  readonly log: string
}

/** A door that opens the service's port by a command, as both daemons know it. */
export function commandDoor(seconds: number, seqTimeout = 10): string {
  const rule = `INPUT -s %IP% -p tcp --dport ${SERVICE_PORT} -j ACCEPT`
  return [
    '[ssh]',
    `\tsequence = ${SEQUENCE.join(',')}`,
    `\tseq_timeout = ${seqTimeout}`,
    '\ttcpflags = syn',
    `\tstart_command = /usr/sbin/iptables -I ${rule}`,
    `\tcmd_timeout = ${seconds}`,
    `\tstop_command = /usr/sbin/iptables -D ${rule}`,
    '',
  ].join('\n')
}

/** The same opened by the guard. */
export function nativeDoor(seconds: number): string {
  const lines = [
    '[ssh]',
    `Sequence = ${SEQUENCE.join(',')}`,
    `Open_Ports = tcp/${SERVICE_PORT}`,
    `Open_For = ${seconds}s`,
  ]
  return `${lines.join('\n')}\n`
}

/** The options of a daemon's start. */
export interface Starting {
  readonly limitMs?: number
  /** Arguments for Node.js, ahead of our program. */
  readonly node?: readonly string[]
  /** The only processor core that the daemon runs on. */
  readonly core?: number | undefined
}

/** Starts a daemon with these doors and waits until it listens. It writes a log file, as it would on a server. */
export async function startPeer(
  world: World,
  side: Side,
  doors: string,
  { limitMs = LISTEN_MAX_MS, node = [], core }: Starting = {},
): Promise<Peer> {
  const log = world.file(`${side}.log`)
  const state = side === 'ours' ? `\tStateDir = ${world.file('state')}\n` : ''
  const config = world.file(`${side}.conf`, `[options]\n\tlogfile = ${log}\n${state}${doors}`)
  const argv = side === 'ours' ? [process.execPath, ...node, program('knockd')] : [THEIR_KNOCKD]
  const peer = new Process([...onCore(core), ...argv, '-c', config, '-i', 'eth0'], { ns: world.server })
  const end = performance.now() + limitMs
  while (logged({ log }, /listening on/) === 0) {
    if (peer.exit !== undefined) throw new Error(`${side} ended before it listened:\n${peer.lines.join('\n')}`)
    if (performance.now() > end) throw new Error(`${side} does not listen after ${limitMs} ms`)
    await sleep(LISTEN_LOOK_MS)
  }
  return { process: peer, config, log }
}

/** The words before a command that keep it to a processor core. */
export function onCore(core: number | undefined): readonly string[] {
  return core === undefined ? [] : ['taskset', '-c', String(core)]
}

/** Lines of a daemon's log that match. */
export function logged({ log }: Pick<Peer, 'log'>, pattern: RegExp): number {
  if (!existsSync(log)) return 0
  return readFileSync(log, 'utf8').match(new RegExp(pattern.source, 'g'))?.length ?? 0
}

/** Returns the number of packets that our daemon reports as lost by its capture. */
export async function lostByOurs(world: World, { config }: Peer): Promise<number> {
  const { stdout } = await world.onServer([process.execPath, program('postern'), 'status', '--json', '-c', config])
  const { interfaces } = JSON.parse(stdout) as { readonly interfaces: readonly { readonly dropped: number }[] }
  return interfaces.reduce((sum, { dropped }) => sum + dropped, 0)
}
