import { formatKnock } from '../../../config/sequence.ts'
import { TCP, UDP } from '../../../packet/packet.ts'
import type { Knock } from '../../../config/config.ts'

/** The time limit for a knock by nc or telnet, in seconds. Without an answer they would wait for minutes. */
const WAIT_S = 1

/** A way to knock without this page. */
export interface Command {
  readonly program: 'knock' | 'nc' | 'telnet'
  readonly text: string
}

/** Returns commands that send a sequence. The host is used unchanged. telnet cannot send UDP. */
export function commandsFor(host: string, sequence: readonly Knock[]): readonly Command[] {
  const commands: Command[] = [
    { program: 'knock', text: `knock ${host} ${sequence.map(formatKnock).join(' ')}` },
    { program: 'nc', text: sequence.map((knock) => netcat(host, knock)).join('; ') },
  ]
  if (sequence.every(({ protocol }) => protocol === TCP)) {
    // telnet ends by itself only if the port refuses.
    const text = sequence.map(({ port }) => `timeout ${WAIT_S} telnet ${host} ${port}`).join('; ')
    commands.push({ program: 'telnet', text })
  }
  return commands
}

function netcat(host: string, { port, protocol }: Knock): string {
  // The option -z would send several datagrams, which are as many knocks.
  return protocol === UDP ? `echo | nc -u -w ${WAIT_S} ${host} ${port}` : `nc -z -w ${WAIT_S} ${host} ${port}`
}
