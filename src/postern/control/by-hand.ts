import { Failure, UsageError } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { sshSession } from '../../host/ssh.ts'
import type { SshSession } from '../../host/ssh.ts'
import { shellWord } from '../../text/shell-word.ts'
import type { CloseArguments, OpenArguments } from './arguments.ts'
import { talk } from './talk.ts'

/** Runs `postern open`, and returns the exit code. */
export async function open(asked: OpenArguments, output: Output): Promise<number> {
  const { door, for: forMs } = asked
  return await talk(asked, output, () => {
    const source = asked.source ?? sourceHere(door, sshSession())
    return { command: 'open', door, source, ...(forMs === undefined ? {} : { forMs }) }
  })
}

/** Runs `postern close`, and returns the exit code. */
export async function close(asked: CloseArguments, output: Output): Promise<number> {
  const { door, source } = asked
  return await talk(asked, output, () => ({
    command: 'close',
    ...(door === undefined ? {} : { door }),
    ...(source === undefined ? {} : { source }),
  }))
}

/**
 * Returns the address of the user who typed this command, from sshd. A tmux shell has the address of the user who
 * started tmux.
 *
 * @throws UsageError if the address is unknown, Failure if it may be the address of somebody else
 */
export function sourceHere(door: string, { peer, state, multiplexer }: SshSession): string {
  if (peer === undefined) throw new UsageError('no address: add --source ADDRESS, or run this over ssh')
  if (state === 'live') return peer.address
  const where = multiplexer === undefined ? 'no sshd runs above this shell' : `this shell runs in ${multiplexer}`
  if (state === 'ended') {
    const message = `SSH_CONNECTION names ${peer.address}, but that connection has ended`
    throw new Failure(multiplexer === undefined ? message : `${message}: ${where}`, command(door, 'ADDRESS'))
  }
  const message = `SSH_CONNECTION names ${peer.address}, which may be somebody else's: ${where}`
  throw new Failure(message, `if it is yours: ${command(door, peer.address)}`)
}

function command(door: string, source: string): string {
  return `postern open ${shellWord(door)} --source ${source}`
}
