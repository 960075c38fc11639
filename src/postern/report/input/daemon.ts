import { askForEvents, findSocket } from '../../../control/client.ts'
import { EVENTS_SINCE_MAX_MS } from '../../../control/message.ts'
import { KEPT_MAX } from '../../../log/kept-events.ts'
import { recordOf } from '../../../log/read-log.ts'
import { accountOf } from './intake.ts'
import type { InputAccount, Intake } from './intake.ts'

/** Reads the events that a running knockd keeps in memory. */
export async function readDaemon(
  {
    config,
    interfaces,
    agoMs,
  }: { readonly config: string; readonly interfaces: readonly string[]; readonly agoMs: number },
  intake: Intake,
): Promise<InputAccount> {
  const account = accountOf('the memory of the running knockd')
  account.notes.push(
    `knockd keeps the last ${KEPT_MAX.toLocaleString('en')} events since its start, fewer of each kind that unknown sources can cause.`,
  )
  let isWhole = false
  try {
    const sinceMs = Math.min(agoMs, EVENTS_SINCE_MAX_MS)
    await askForEvents(findSocket(config, interfaces), { command: 'events', sinceMs }, (line) => {
      if (line['end'] !== undefined) isWhole = true
      else if (line['event'] === 'missed') {
        account.problem = 'events came faster than they were read: some are missing'
      } else if (typeof line['error'] === 'string') account.problem = line['error']
      else intake.record(recordOf(line), account)
    })
  } catch (error) {
    account.problem = (error as Error).message
  }
  if (!isWhole) account.problem ??= 'the stream broke off'
  return account
}
