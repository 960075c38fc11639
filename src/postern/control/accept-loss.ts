import type { Output } from '../../cli/output.ts'
import { ask, findSocket } from '../../control/client.ts'
import { realDisk } from '../../state/disk.ts'
import { MarkFile } from '../../state/mark.ts'
import type { AcceptLossArguments } from './arguments.ts'
import { talk } from './talk.ts'

/** Runs `postern accept-loss`, and returns the exit code. */
export async function acceptLoss(asked: AcceptLossArguments, output: Output): Promise<number> {
  return await talk(asked, output, async () => {
    const reply = await ask(findSocket(asked.config, asked.interface.flat()), { command: 'status' })
    const state = 'status' in reply ? reply.status.state : ''
    const mark = await new MarkFile(realDisk, state).read()
    const id = mark?.journals.at(-1)?.id
    if (id === undefined) throw new Error(`${state}: cannot be read\n  run this as root`)
    return { command: 'accept-loss', door: asked.door, id }
  })
}
