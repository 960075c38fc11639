import { formatKnock } from '../../../config/sequence.ts'
import { ICMP, TCP } from '../../../packet/packet.ts'
import type { Knock } from '../../../config/config.ts'

/** The time limit for a knock by nc or telnet, in seconds. Without an answer they would wait for minutes. */
const WAIT_S = 1

/** A way to knock without this page. `shell`: nc and ping, one after the other. */
export interface Command {
  readonly program: 'knock' | 'nc' | 'shell' | 'telnet'
  readonly text: string
}

/** Returns commands that send a sequence. The host is used unchanged. telnet cannot send UDP. */
export function commandsFor(host: string, sequence: readonly Knock[]): readonly Command[] {
  const commands: Command[] = [
    { program: 'knock', text: `knock ${host} ${sequence.map(formatKnock).join(' ')}` },
    {
      program: sequence.some(({ protocol }) => protocol === ICMP) ? 'shell' : 'nc',
      text: sequence.map((knock) => typed(host, knock)).join('; '),
    },
  ]
  if (sequence.every(({ protocol }) => protocol === TCP)) {
    // telnet ends by itself only if the port refuses.
    const text = sequence.map(({ port }) => `timeout ${WAIT_S} telnet ${host} ${port}`).join('; ')
    commands.push({ program: 'telnet', text })
  }
  return commands
}

function typed(host: string, { port, protocol, size }: Knock): string {
  if (protocol === ICMP) return `ping -c 1 -s ${size} ${host}`
  if (protocol === TCP) return `nc -z -w ${WAIT_S} ${host} ${port}`
  // The option -z would send several datagrams, which are as many knocks.
  return `${size === undefined ? 'echo' : `printf %${size}s`} | nc -u -w ${WAIT_S} ${host} ${port}`
}
