import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import type { ControlArguments } from './arguments.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const HELP = `usage: postern forgive ADDRESS [-c FILE] [-i NAME]...

Has a running knockd no longer ignore an address for a port scan or wrong codes.
postern status lists who is ignored, by which doors, and for how long yet.

  -c, --config FILE the config that the daemon runs with, /etc/knockd.conf
                    otherwise
  -i, --interface NAME
                    where several daemons run with that config: what this one was
                    started with
  -h, --help        this text

exit status: 0 it is not ignored any more, 1 it could not be done, 2 usage

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

/** `postern forgive`. */
export async function forgive(args: readonly string[], output: Output): Promise<number> {
  return await talk(FORGIVE, args, output)
}
