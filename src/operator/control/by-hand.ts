import { sshPeer } from '../../host/ssh.ts'
import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import type { ControlArguments } from './arguments.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const OPEN_HELP = `usage: postern open DOOR [--for TIME] [--source ADDRESS] [-c FILE] [-i NAME]...

Opens a door by hand, as if the address had knocked.

  --for TIME        for how long: 30s, 10m, 2h; the door's own time otherwise
  --source ADDRESS  for whom; the other end of your ssh connection otherwise
  -c, --config FILE the config that the daemon runs with, /etc/knockd.conf
                    otherwise
  -i, --interface NAME
                    where several daemons run with that config: what this one was
                    started with
  -h, --help        this text

exit status: 0 it is open, 1 it is not, 2 usage

  postern open ssh --for 10m --source 192.0.2.7
`

const CLOSE_HELP = `usage: postern close [DOOR] [--source ADDRESS] [--all] [-c FILE] [-i NAME]...

Closes what is open, before its time. Connections that are established stay.

  DOOR              this door, for everybody
  --source ADDRESS  for this address; of all doors if none is named
  --all             everything
  -c, --config FILE the config that the daemon runs with, /etc/knockd.conf
                    otherwise
  -i, --interface NAME
                    where several daemons run with that config: what this one was
                    started with
  -h, --help        this text

exit status: 0 nothing of it is open any more, 1 it could not be done, 2 usage

  postern close ssh
  postern close --source 192.0.2.7
`

const OPEN: Talk = {
  command: 'open',
  help: OPEN_HELP,
  request: ({ door, source = sshPeer()?.address, forMs }: ControlArguments) => {
    if (door === undefined) throw new UsageError('which door?')
    if (source === undefined) throw new UsageError('for whom?\n  --source ADDRESS')
    return { command: 'open', door, source, ...(forMs === undefined ? {} : { forMs }) }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

const CLOSE: Talk = {
  command: 'close',
  help: CLOSE_HELP,
  request: ({ door, source, all }: ControlArguments) => {
    if (door === undefined && source === undefined && !all)
      throw new UsageError('close what?\n  DOOR, --source or --all')
    if (all && (door !== undefined || source !== undefined)) throw new UsageError('--all leaves nothing to be named')
    return { command: 'close', ...(door === undefined ? {} : { door }), ...(source === undefined ? {} : { source }) }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

/** `postern open`. */
export async function open(args: readonly string[], output: Output): Promise<number> {
  return await talk(OPEN, args, output)
}

/** `postern close`. */
export async function close(args: readonly string[], output: Output): Promise<number> {
  return await talk(CLOSE, args, output)
}
