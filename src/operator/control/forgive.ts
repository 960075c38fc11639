import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import type { ControlArguments } from './arguments.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const HELP = `usage: postern forgive ADDRESS [-c FILE] [-i NAME]...

Has a running knockd stop ignoring an address that scanned ports or sent wrong
codes. postern status lists who is ignored, by which doors, and for how long.

  -c, --config FILE the config of the daemon; default: /etc/knockd.conf
  -i, --interface NAME
                    the interface that the daemon was started with, where
                    several run with that config
  -h, --help        show this help

exit status: 0 it is no longer ignored, 1 it could not be done, 2 usage

  postern forgive 192.0.2.7
`

const FORGIVE: Talk = {
  command: 'forgive',
  help: HELP,
  request: ({ source }: ControlArguments) => {
    if (source === undefined) throw new UsageError('no address given')
    return { command: 'forgive', source }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

/** Runs `postern forgive`, and returns the exit code. */
export async function forgive(args: readonly string[], output: Output): Promise<number> {
  return await talk(FORGIVE, args, output)
}
