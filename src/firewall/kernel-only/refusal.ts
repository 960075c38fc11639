import { beyondFixedRules, fixedKnocks } from '../../config/secret.ts'
import type { Door, Knock, Options } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { quote } from '../../text/fault.ts'
import { formatService, protocolName } from '../../config/service.ts'
import { ICMP } from '../../packet/packet.ts'
import type { Dialect } from './dialect.ts'

/**
 * The longest time of the `recent` match, in seconds. The match counts ticks, up to 1,000 a second, in 32 bits
 * (`net/netfilter/xt_recent.c`).
 */
export const RECENT_MAX_S = 4_294_967

const SECOND_MS = 1_000

/** Reports what the kernel's rules cannot do for a door, each with a hint. */
export function refuseDoor(door: Door, dialect: Dialect): readonly Fault[] {
  const faults: Fault[] = []
  const refuse = (what: string, hint: string): void => {
    const message = `door ${quote(door.name)} ${what}`
    faults.push({ severity: 'error', line: door.line, column: 1, message, hint })
  }
  const { secret, opens, commands4, commands6, target, extendWhileConnected } = door
  const changing = beyondFixedRules(secret)
  if (changing !== undefined) refuse(changing, 'give it a `Sequence`, or leave the door to knockd')
  const commands = [commands4.start, commands4.stop, commands6.start, commands6.stop].some((one) => one !== undefined)
  if (opens.length === 0) {
    refuse(
      'opens by a command, and the kernel cannot run commands',
      'add for example `Open_Ports = tcp/22`, or leave the door to knockd',
    )
  } else if (commands) {
    refuse(
      'has a command beside Open_Ports, and the kernel cannot run commands',
      'remove the command, or leave the door to knockd',
    )
  }
  if (target !== undefined) {
    refuse('has a Target, and these rules see only packets to this host', 'remove it, or leave the door to knockd')
  }
  if (extendWhileConnected) {
    refuse(
      'has Extend_While_Connected, and the kernel does not look at connections again',
      'remove it: established connections stay in any case, only new ones need a new knock',
    )
  }
  const abroad = opens.find(({ host }) => host !== undefined)
  if (abroad !== undefined) {
    refuse(
      `opens ${formatService(abroad)}, a port of another host`,
      'open ports of this host, or leave the door to knockd',
    )
  }
  const knocks = fixedKnocks(secret)
  if (knocks.some(({ protocol }) => protocol === ICMP)) {
    refuse(
      'has a ping in its sequence, and these rules accept pings before they look at knocks',
      'knock at ports instead, or leave the door to knockd',
    )
  }
  const twice = inARow(knocks)
  if (twice !== undefined) {
    const port = `${protocolName(twice.protocol)}/${twice.port}`
    refuse(
      `has ${port} twice in a row, and the kernel cannot tell a second knock from a retransmission`,
      'put another knock in between',
    )
  }
  if (dialect === 'iptables') {
    for (const [name, ms] of [
      ['a Seq_Timeout', door.seqTimeoutMs],
      ['an Open_For', door.cmdTimeoutMs],
    ] as const) {
      const hint = recentTime(ms)
      if (hint !== undefined) refuse(`has ${name} that the recent match cannot keep`, hint)
    }
  }
  return faults
}

/** Reports what the rules cannot do for `[options]`. */
export function refuseOptions(options: Options, dialect: Dialect): readonly Fault[] {
  const faults: Fault[] = []
  const add = (severity: Fault['severity'], message: string, hint: string): void => {
    faults.push({ severity, line: 1, column: 1, message, hint })
  }
  const abroad = options.guard.find(({ host }) => host !== undefined)
  if (abroad !== undefined) {
    add('error', `Guard names ${formatService(abroad)}, a port of another host`, 'name ports of this host only')
  }
  const ignored = dialect === 'iptables' && options.scanPorts > 0 ? recentTime(options.scanIgnoreMs) : undefined
  if (ignored !== undefined) add('error', 'the recent match cannot keep the time of Scan_Ignore', ignored)
  if (options.startHook !== undefined || options.stopHook !== undefined) {
    add('warning', 'Start_Hook and Stop_Hook are not run: there is no daemon', 'run them from your own systemd unit')
  }
  if (options.onEvent.length > 0) {
    add('warning', 'On_Event is told of nothing: there is no daemon', 'use other programs to watch the rules')
  }
  return faults
}

function inARow(knocks: readonly Knock[]): Knock | undefined {
  return knocks.find((knock, index) => {
    const before = knocks[index - 1]
    return before?.port === knock.port && before.protocol === knock.protocol && before.size === knock.size
  })
}

/** Returns a hint if the recent match cannot keep the time. */
function recentTime(ms: number): string | undefined {
  if (ms % SECOND_MS !== 0) return 'write whole seconds, or use --format nft'
  return ms > RECENT_MAX_S * SECOND_MS ? `at most ${RECENT_MAX_S} seconds, or use --format nft` : undefined
}
