import type { Output } from '../../cli/output.ts'
import { ControlError, ask, findSocket } from '../../control/client.ts'
import { worstOf } from '../../control/health.ts'
import type { Status } from '../../control/message.ts'
import { oneLine } from '../../log/line.ts'
import type { StatusArguments } from './arguments.ts'
import { sumOf } from './health-text.ts'

/** Exit statuses of plugins, as in the Monitoring Plugins Development Guidelines. */
const CODES = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const
type State = keyof typeof CODES

/** Prints a line for Nagios, and returns the exit code. A daemon that does not run is critical. */
export async function nagios(asked: Pick<StatusArguments, 'config' | 'interface'>, { out }: Output): Promise<number> {
  const [state, text] = await judged(asked)
  out(`${text}\n`)
  return CODES[state]
}

async function judged(asked: Pick<StatusArguments, 'config' | 'interface'>): Promise<readonly [State, string]> {
  try {
    const reply = await ask(findSocket(asked.config, asked.interface.flat()), { command: 'status' })
    if ('status' in reply) return nagiosLine(reply.status)
    return ['unknown', line('unknown', 'error' in reply ? reply.error : 'no status')]
  } catch (error) {
    const state = error instanceof ControlError && error.isDown ? 'critical' : 'unknown'
    return [state, line(state, (error as Error).message)]
  }
}

/** Formats a status as a line with performance data. */
export function nagiosLine(status: Status): readonly [State, string] {
  const { health = [], doors, openings, totals } = status
  const state = worstOf(health)
  const wrong = health.filter((each) => each.state !== 'ok').map(({ subject, message }) => `${subject}: ${message}`)
  const well = `${doors.length} doors, ${openings.length} open`
  const { all } = totals ?? {}
  const data = {
    doors: doors.length,
    open: openings.length,
    ...(all === undefined
      ? {}
      : { openings: counter(sumOf(all.openings)), failures: counter(sumOf(all.commandFailures)) }),
    ...(all?.refusals === undefined ? {} : { refusals: counter(sumOf(all.refusals)) }),
    ...(all?.scans === undefined ? {} : { scans: counter(all.scans) }),
    ...(all?.packets === undefined ? {} : { lost: counter(all.packets.lost) }),
  }
  const pairs = Object.entries(data).map(([name, value]) => `${name}=${value}`)
  return [state, `${line(state, wrong.length === 0 ? well : wrong.join('; '))} | ${pairs.join(' ')}`]
}

/** Formats a count that only grows, by the unit `c`. */
function counter(value: number): string {
  return `${value}c`
}

/** A bar begins the performance data, so that no text may have one. */
function line(state: State, text: string): string {
  return `POSTERN ${state.toUpperCase()} - ${oneLine(text).replaceAll('|', '/')}`
}
