import { DONE, FAILED } from '../../cli/exit-code.ts'
import { failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { ControlError, ask, findSocket } from '../../control/client.ts'
import { replaceFile } from '../../file/replace.ts'
import { NOT_UP } from '../../metrics/families.ts'
import type { StatusArguments } from './arguments.ts'

/** Everybody may read the file: node_exporter runs as a user of its own. */
const FILE_MODE = 0o644

/** Prints metrics, or replaces a file with them, and returns the exit code. A daemon that does not run is a metric. */
export async function metrics(asked: StatusArguments, output: Output): Promise<number> {
  const put = (text: string): void =>
    asked.to === undefined ? output.out(text) : replaceFile(asked.to, text, FILE_MODE)
  try {
    const reply = await ask(findSocket(asked.config, asked.interface.flat()), { command: 'metrics' })
    if ('metrics' in reply) {
      put(reply.metrics)
      return DONE
    }
    const { error, hint } = 'error' in reply ? reply : { error: 'no metrics', hint: 'restart knockd' }
    output.err(faultText('postern', error, hint))
    return FAILED
  } catch (error) {
    try {
      if (error instanceof ControlError && error.isDown) put(NOT_UP)
    } catch (unwritten) {
      return failed(unwritten, output)
    }
    return failed(error, output)
  }
}
