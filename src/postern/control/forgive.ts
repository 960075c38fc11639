import type { Output } from '../../cli/output.ts'
import type { ForgiveArguments } from './arguments.ts'
import { talk } from './talk.ts'

/** Runs `postern forgive`, and returns the exit code. */
export async function forgive(asked: ForgiveArguments, output: Output): Promise<number> {
  return await talk(asked, output, () => ({ command: 'forgive', source: asked.source }))
}
