import { sshSession } from '../../host/ssh.ts'
import type { SshSession } from '../../host/ssh.ts'
import { shellWord } from '../../text/shell-word.ts'
import type { Output } from '../check.ts'
import { SourceError, UsageError } from './arguments.ts'
import type { ControlArguments } from './arguments.ts'
import { talk } from './talk.ts'
import type { Talk } from './talk.ts'

const OPEN_HELP = `usage: postern open DOOR [--for TIME] [--source ADDRESS] [-c FILE] [-i NAME]...

Opens a door by hand, as if the address had knocked.

  --for TIME        how long: 30s, 10m, 2h; default: the door's own time
  --source ADDRESS  the address to open for; default: the other end of your ssh
                    connection. Needed in tmux and screen
  -c, --config FILE the config of the daemon; default: /etc/knockd.conf
  -i, --interface NAME
                    the interface that the daemon was started with, where
                    several run with that config
  -h, --help        show this help

exit status: 0 it is open, 1 it is not, 2 usage

  postern open ssh --for 10m --source 192.0.2.7
`

const CLOSE_HELP = `usage: postern close [DOOR] [--source ADDRESS] [--all] [-c FILE] [-i NAME]...

Closes what is open, before its time. Established connections stay.

  DOOR              close this door, for everybody
  --source ADDRESS  close for this address; all doors if none is named
  --all             close everything
  -c, --config FILE the config of the daemon; default: /etc/knockd.conf
  -i, --interface NAME
                    the interface that the daemon was started with, where
                    several run with that config
  -h, --help        show this help

exit status: 0 it is closed, 1 it could not be closed, 2 usage

  postern close ssh
  postern close --source 192.0.2.7
`

const OPEN: Talk = {
  command: 'open',
  help: OPEN_HELP,
  request: ({ door, source: named, forMs }: ControlArguments) => {
    if (door === undefined) throw new UsageError('missing DOOR')
    const source = named ?? sourceHere(door, sshSession())
    return { command: 'open', door, source, ...(forMs === undefined ? {} : { forMs }) }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

const CLOSE: Talk = {
  command: 'close',
  help: CLOSE_HELP,
  request: ({ door, source, all }: ControlArguments) => {
    if (door === undefined && source === undefined && !all) throw new UsageError('missing DOOR, --source or --all')
    if (all && (door !== undefined || source !== undefined))
      throw new UsageError('--all takes neither DOOR nor --source')
    return { command: 'close', ...(door === undefined ? {} : { door }), ...(source === undefined ? {} : { source }) }
  },
  show: (reply) => ('done' in reply ? `${reply.done}\n` : ''),
}

/**
 * Returns the address of the user who typed this command, from sshd. A tmux shell has the address of the user who
 * started tmux.
 *
 * @throws UsageError if the address is unknown, SourceError if it may be the address of somebody else
 */
export function sourceHere(door: string, { peer, state, multiplexer }: SshSession): string {
  if (peer === undefined) throw new UsageError('no address: add --source ADDRESS, or run this over ssh')
  if (state === 'live') return peer.address
  const where = multiplexer === undefined ? 'no sshd runs above this shell' : `this shell runs in ${multiplexer}`
  if (state === 'ended') {
    const message = `SSH_CONNECTION names ${peer.address}, but that connection has ended`
    throw new SourceError(multiplexer === undefined ? message : `${message}: ${where}`, command(door, 'ADDRESS'))
  }
  const message = `SSH_CONNECTION names ${peer.address}, which may be somebody else's: ${where}`
  throw new SourceError(message, `if it is yours: ${command(door, peer.address)}`)
}

function command(door: string, source: string): string {
  return `postern open ${shellWord(door)} --source ${source}`
}

/** Runs `postern open`, and returns the exit code. */
export async function open(args: readonly string[], output: Output): Promise<number> {
  return await talk(OPEN, args, output)
}

/** Runs `postern close`, and returns the exit code. */
export async function close(args: readonly string[], output: Output): Promise<number> {
  return await talk(CLOSE, args, output)
}
