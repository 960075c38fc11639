import { ask, findSocket } from '../../control/client.ts'
import { realDisk } from '../../state/disk.ts'
import { MarkFile } from '../../state/mark.ts'
import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const HELP = `usage: postern accept-loss DOOR [-c FILE] [-i NAME]...

Opens a door to single packets again that is shut because the daemon's journal
was damaged, deleted or replaced: packets that it accepted before could be
replayed. Make new keys or profiles for its users first.

  -c, --config FILE the config of the daemon; default: /etc/knockd.conf
  -i, --interface NAME
                    the interface that the daemon was started with, where
                    several run with that config
  -h, --help        show this help

exit status: 0 it accepts packets again, 1 it does not, 2 usage

  postern accept-loss ssh
`

const ACCEPT_LOSS: Talk = {
  command: 'accept-loss',
  help: HELP,
  request: async ({ door, config, interfaces }) => {
    if (door === undefined) throw new UsageError('missing DOOR')
    const reply = await ask(findSocket(config, interfaces), { command: 'status' })
    const state = 'status' in reply ? reply.status.state : ''
    const mark = await new MarkFile(realDisk, state).read()
    const id = mark?.journals.at(-1)?.id
    if (id === undefined) throw new Error(`${state}: cannot be read\n  run this as root`)
    return { command: 'accept-loss', door, id }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

/** Runs `postern accept-loss`, and returns the exit code. */
export async function acceptLoss(args: readonly string[], output: Output): Promise<number> {
  return await talk(ACCEPT_LOSS, args, output)
}
