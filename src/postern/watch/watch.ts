import { DONE } from '../../cli/exit-code.ts'
import { failed } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { ControlError, ask, findSocket } from '../../control/client.ts'
import { choiceOf } from '../events/arguments.ts'
import type { WatchArguments } from './arguments.ts'
import { Live } from './live.ts'
import { Plain } from './plain.ts'

/** Runs `postern watch`, and returns the exit code. A daemon that does not run is waited for. */
export async function watch(asked: WatchArguments, output: Output): Promise<number> {
  const find = (): string => findSocket(asked.config, asked.interface.flat())
  try {
    await ask(find(), { command: 'status', rows: 0 })
  } catch (error) {
    if (!(error instanceof ControlError) || !error.isDown) return failed(error, output)
  }
  const { TERM = 'dumb', NO_COLOR = '' } = process.env
  const isTyped = process.stdin.isTTY
  const isPlain = asked.plain || !isTyped || !process.stdout.isTTY || TERM === 'dumb'
  const terms = { find, filter: choiceOf(asked), isUtf8: isUtf8(process.env) }
  if (!isPlain) return await new Live({ ...terms, hasColours: NO_COLOR === '' }).run()
  await new Plain(terms, isTyped, output).run()
  return DONE
}

/** Returns true if the locale has UTF-8 (locale(7)). */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '')
}
