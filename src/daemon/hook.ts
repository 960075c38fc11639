import type { CommandRunner } from '../door/command.ts'
import type { Log } from './log/log.ts'

/** Runs a command of the daemon's own start or end, if there is one. Never throws. */
export async function runHook(
  runner: CommandRunner,
  command: string | undefined,
  action: 'start' | 'stop',
  log: Log,
): Promise<void> {
  if (command === undefined) return
  const name = `${action}_hook`
  log.running(name, command)
  const outcome = await runner.run({ text: command, environment: { POSTERN_ACTION: 'hook' }, urgent: true })
  if (outcome.kind === 'exited') {
    if (outcome.output !== '') log.output(name, outcome.output)
    if (outcome.status !== 0) log.status(name, outcome.status)
  } else {
    log.notice('error', `${name}: ${outcome.kind}`)
  }
}
