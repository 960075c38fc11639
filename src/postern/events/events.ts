import { DONE, FAILED } from '../../cli/exit-code.ts'
import { failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { askForEvents, findSocket } from '../../control/client.ts'
import { EVENTS_END } from '../../control/message.ts'
import type { EventsRequest } from '../../control/message.ts'
import { textOfJson } from '../../log/json-text.ts'
import { choiceOf } from './arguments.ts'
import type { EventsArguments } from './arguments.ts'

/** Runs `postern events`, and returns the exit code. */
export async function events(asked: EventsArguments, output: Output): Promise<number> {
  let isComplete = false
  let refused = false
  try {
    await askForEvents(findSocket(asked.config, asked.interface.flat()), requestOf(asked), (line, text) => {
      if (line['end'] === EVENTS_END.end) isComplete = true
      else if (typeof line['error'] === 'string') {
        refused = true
        output.err(faultText('postern', line['error'], line['hint'] as string | undefined))
      } else output.out(asked.json ? `${text}\n` : textOfJson(line))
    })
  } catch (error) {
    return failed(error, output)
  }
  if (refused) return FAILED
  if (isComplete && !asked.follow) return DONE
  const why = isComplete ? 'knockd has ended' : 'the stream broke off: knockd has ended, or this reader was too slow'
  output.err(faultText('postern', why, 'postern events --follow shows what comes next'))
  return FAILED
}

function requestOf({ since, follow, ...choice }: EventsArguments): EventsRequest {
  return { command: 'events', follow, ...(since === undefined ? {} : { sinceMs: since }), ...choiceOf(choice) }
}
