import type { CommandLine, CommandRunner } from '../door/command.ts'
import { within } from '../door/time-limit.ts'
import type { Log } from '../log/log.ts'

/** The milliseconds that the daemon waits for its stop hook. */
export const STOP_HOOK_MAX_MS = 3_000

/** Runs the daemon's start or stop hook. Never throws. */
export async function runHook(
  runner: CommandRunner,
  { text, as }: Pick<CommandLine, 'text' | 'as'>,
  action: 'start' | 'stop',
  log: Log,
): Promise<void> {
  const name = `${action}_hook`
  log.event({ kind: 'command', door: name, command: text })
  const run = runner.run({ text, as, environment: { POSTERN_ACTION: 'hook' }, urgent: true })
  const outcome = await (action === 'stop' ? within(run, STOP_HOOK_MAX_MS) : run)
  if (outcome === undefined) {
    log.notice('warning', `${name}: still running after ${STOP_HOOK_MAX_MS / 1000} s: no longer waiting for it`)
  } else if (outcome.kind === 'exited') {
    if (outcome.output !== '') log.output(name, outcome.output)
    if (outcome.status !== 0) log.event({ kind: 'status', door: name, status: outcome.status })
  } else {
    log.notice('error', `${name}: ${outcome.kind}`)
  }
}
